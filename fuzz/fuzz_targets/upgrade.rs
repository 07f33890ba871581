#![cfg_attr(fuzzing, no_main)]

longlink_fuzz::target!(longlink_fuzz::upgrade);
