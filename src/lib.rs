//! Bulletin: a monthly research digest, by email, to people who chose their topics.
//!
//! The map, in the order in which things are known: each module uses only those above it.

pub mod clock;

pub mod mask;

pub mod plain;

pub mod network;

pub mod cell;

pub mod standing;

pub mod db;

pub mod schedule;

pub mod config;

pub mod secret;

pub mod outbox;

pub mod issue;

pub mod citation;

pub mod topic;

pub mod suggest;

pub mod import;

pub mod archive;

pub mod subscription;

pub mod content;

pub mod campaign;

pub mod tally;

pub mod metrics;

pub mod alarm;

pub mod record;

pub mod incident;

pub mod address_book;

pub mod subscriber;

pub mod letter;

pub mod suppression;

pub mod request;

pub mod audit;

pub mod admin;

pub mod token;

pub mod enrol;

pub mod plan;

pub mod forecast;

pub mod draft;

pub mod brought;

pub mod slot;

pub mod instance;

pub mod start;

pub mod verp;

pub mod bounce;

pub mod webhook;

pub mod returned;

pub mod readers;

pub mod dkim;

pub mod mime;

pub mod pieces;

pub mod render;

pub mod look;

pub mod deliver;

pub mod teller;

pub mod preflight;

pub mod proof;

pub mod sending;

pub mod figures;

pub mod feedback;

pub mod errand;

pub mod retention;

pub mod listen;

pub mod receive;

pub mod web;

pub mod demo;
