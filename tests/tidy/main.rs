//! What holds for the repository as a whole: layers, absences, lengths, and that words, tables and code agree.
//!
//! Every check reads the tree as it lies here and names file and line of what it finds.
//! Every check also meets a bad sample in its own tests, so that none can fall silent.

mod absences;
mod config;
mod documents;
mod folders;
mod guide;
mod hints;
mod lengths;
mod man;
mod manual;
mod methods;
mod migrations;
mod modules;
mod references;
mod source;
mod tree;
mod units;
mod words;
