//! The fault trials: the real `bulletin` is killed, stopped, starved and lied to, and what became of every mail is
//! counted against an instrumented relay's log.

pub mod relay;

pub mod dice;

pub mod ground;

pub mod store;

pub mod past;

pub mod checker;

pub mod trace;

pub mod tally;

pub mod lab;

pub mod scenario;

pub mod tier;

pub mod bench;
