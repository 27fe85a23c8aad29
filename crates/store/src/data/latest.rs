//! `latest`.
