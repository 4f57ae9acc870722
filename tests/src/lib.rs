//! What crosses crates: whole providers, people in them, and peers that break the rules. The stories are in `tests/`.
