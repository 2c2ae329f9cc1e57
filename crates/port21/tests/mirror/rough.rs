//! Trees that are large or deep, in bounded memory.

use crate::place::{Place, Way, assert_same, at, write};

#[test]
fn deep_and_wide_trees_are_mirrored_both_ways() {
    let place = Place::new();
    let deep = "d/".repeat(40);
    write(&place.far(), &format!("{deep}file"), b"x", at(1));
    for number in 0..300 {
        write(&place.far(), &format!("wide/{number}/file"), number.to_string().as_bytes(), at(number));
    }
    let done = place.mirror(Way::Fetch, &[]);
    assert_eq!((done.count("transferred"), done.count("failed")), (301, 0));
    assert_same(&place.far(), &place.near());
    std::fs::remove_dir_all(place.far()).unwrap();
    std::fs::create_dir(place.far()).unwrap();
    let done = place.mirror(Way::Send, &["-P", "2"]);
    assert_eq!((done.count("transferred"), done.count("failed")), (301, 0));
    assert_same(&place.far(), &place.near());
}
