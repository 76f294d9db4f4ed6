//! The fault trials: the real `bulletin` is killed, stopped, starved and lied to, and what became of every mail is
//! counted against an instrumented relay's log.

pub mod relay;
