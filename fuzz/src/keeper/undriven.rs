//! A keeper whose outputs nobody drains for a while, and whose timers nobody
//! keeps: what comes out late must make sense all the same.

use longlink::keeper::{Input, Output, Purpose};
use longlink::testing::VirtualKeeper;
use longlink::{LinkId, Token};

use crate::play::{END_OF_TIME, stranger};
use crate::schedules::{Advance, Said, Schedule, Which};

/// The outputs of one input, at most.
const MOST: usize = 64;

/// Plays a schedule; its outputs are drained where it says
/// [`Advance::ToTimer`].
pub(super) fn play(schedule: &Schedule) {
    let mut keeper = VirtualKeeper::new(schedule.settings.config.clone(), schedule.seed);
    keeper.leave_questions_open();
    let mut seen = Outputs::default();
    let mut inputs = 0;
    keeper.tell(Input::Start);
    for step in &schedule.steps {
        if keeper.now().elapsed() > END_OF_TIME {
            break;
        }
        match step.advance {
            Advance::Stay => {}
            Advance::Run(by) | Advance::Freeze(by) | Advance::LateTimer(by) => keeper.freeze(by),
            Advance::ToTimer => {
                seen.drain(&mut keeper, MOST * (inputs + 1));
                inputs = 0;
                if let Some(due) = keeper.deadline().filter(|due| due.elapsed() < END_OF_TIME) {
                    keeper.freeze_until(due);
                }
            }
            Advance::Suspend(by) => keeper.suspend(by),
        }
        inputs += 1;
        seen.tell(&mut keeper, &step.input);
    }
    seen.drain(&mut keeper, MOST * (inputs + 1));
    seen.goes_on(&mut keeper);
}

/// The outputs so far.
#[derive(Default)]
struct Outputs {
    opened: Vec<LinkId>,
    /// Those that nothing may be asked of any more.
    gone: Vec<LinkId>,
    promoted: Vec<LinkId>,
    finished: bool,
}

impl Outputs {
    fn tell(&self, keeper: &mut VirtualKeeper, input: &Said) {
        let at = match input.which() {
            Some(Which::Any(back)) => back as usize,
            Some(Which::Unissued) => usize::MAX,
            Some(Which::Main | Which::Opening | Which::Retiring | Which::ScoutOpening | Which::Scout) => 0,
            None => usize::MAX,
        };
        let link = self.opened.iter().rev().nth(at).copied();
        input.tell(keeper, link.unwrap_or_else(stranger), Some(Token((at as u64).wrapping_add(1))));
    }

    fn drain(&mut self, keeper: &mut VirtualKeeper, most: usize) {
        let mut count = 0;
        while let Some(output) = keeper.poll_output() {
            count += 1;
            assert!(count <= most, "more than {most} outputs");
            assert!(!self.finished, "after the finish: {output:?}");
            self.output(&output);
        }
    }

    fn output(&mut self, output: &Output) {
        match *output {
            Output::Open { link, purpose, .. } => {
                assert!(self.opened.last().is_none_or(|last| *last < link), "{link} is not a new name");
                assert!(purpose == Purpose::Main || !self.promoted.is_empty(), "a scout beside nothing");
                self.opened.push(link);
            }
            Output::Promote { link, epoch } => {
                self.expect_live(link, output);
                self.promoted.push(link);
                assert_eq!(epoch, self.promoted.len() as u64, "epochs are counted");
            }
            Output::Beat { link, .. } | Output::AskAfter { link, .. } | Output::Migrate { link } => {
                self.expect_live(link, output);
            }
            // A link that goodbye is said to may be abandoned for it.
            Output::Retire { link } => self.expect_live(link, output),
            Output::Abandon { link } => {
                self.expect_live(link, output);
                self.gone.push(link);
            }
            Output::Finish(_) => self.finished = true,
            _ => {}
        }
    }

    fn expect_live(&self, link: LinkId, output: &Output) {
        assert!(self.opened.contains(&link) && !self.gone.contains(&link), "{output:?}, but it is gone");
    }

    /// Whatever is due by now is over after a few timeouts.
    fn goes_on(&mut self, keeper: &mut VirtualKeeper) {
        for _ in 0..16 {
            if keeper.deadline().is_none_or(|at| at > keeper.now()) {
                return;
            }
            keeper.tell(Input::Timeout);
            self.drain(keeper, MOST);
        }
        panic!("a timeout does not move on: {:?}", keeper.deadline());
    }
}
