//! Documents that a program fills in: what it prints stands between two marks.

use std::fs;
use std::path::Path;

/// `document` with `text` in place of what stood between the marks.
pub fn fill(document: &str, begin: &str, end: &str, text: &str) -> Result<String, String> {
    let after = document.find(begin).ok_or(format!("it has no line {begin}"))? + begin.len();
    let before =
        after + document[after..].find(end).ok_or(format!("it has no line {end} after the other"))?;
    Ok(format!("{}\n\n{text}\n{}", &document[..after], &document[before..]))
}

/// Writes a file, and the folder that it is in.
pub fn write(file: &Path, text: &str) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(file, text))
        .map_err(|why| format!("{}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_document_is_filled_between_its_marks_and_only_there() {
        let fill = |document: &str| super::fill(document, "<begin>", "<end>", "new\n");
        let filled = fill("before\n<begin>\nold\n<end>\nafter\n").unwrap();
        assert_eq!(filled, "before\n<begin>\n\nnew\n\n<end>\nafter\n");
        assert_eq!(fill(&filled).unwrap(), filled);
        assert!(fill("nothing here").is_err());
        assert!(fill("<end> <begin>").is_err());
    }
}
