//! MTP, profile 1, as types.
