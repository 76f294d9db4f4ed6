//! Every test that needs the whole service: one binary, a file per story.

#![allow(clippy::unwrap_used, reason = "a test that fails to go on has failed")]

mod support;

mod afterwards;
mod alarms;
mod api;
mod archive;
mod asking;
mod bounces;
mod commands;
mod copies;
mod crash;
mod desk;
mod desk_readers;
mod desk_sending;
mod documents;
mod door;
mod drafts;
mod enrolment;
mod errands;
mod forecasts;
mod guard;
mod hooks;
mod import_pages;
mod mailboxes;
mod mails;
mod many_senders;
mod months;
mod orders;
mod own_data;
mod own_pages;
mod pacing;
mod planning;
mod public_pages;
mod readers;
mod receiving;
mod records;
mod replay;
mod retention;
mod returned;
mod schedule;
mod sending;
mod sign_up;
mod simulation;
mod slow_visitors;
mod smtp_session;
mod smtp_tls;
mod suggest;
mod suppressions;
mod telling;
mod watching;
mod web;
mod webhooks;
