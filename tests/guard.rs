//! Against those who mean harm: every address, every form, every answer.

mod bombs;
mod calls;
mod crawl;
mod hostile;
mod rows;
mod secrets;
mod sessions;
mod statements;
