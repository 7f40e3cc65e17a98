//! Finding again: every row by its own words, whatever is typed, whoever
//! writes or dies meanwhile; and that the bench counts right.

mod bench;
mod hostile;
mod kills;
mod memory;
mod own_words;
mod paraphrases;
mod scripts;
mod sentence_model;
mod while_written;
