//! A whole MTP provider as a library.
