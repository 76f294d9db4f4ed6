//! Every test that needs the whole service: one binary, a file per story.

mod support;

mod archive;
mod commands;
mod crash;
mod documents;
mod enrolment;
mod import_pages;
mod mails;
mod planning;
mod sending;
mod smtp_session;
mod suggest;
mod web;
