//! A whole MLS client of a provider as a library: groups, people, messages.
