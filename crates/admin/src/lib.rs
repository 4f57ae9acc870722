//! What a GUI may ask of a node and is told by it.
