//! Vaults: where secrets are kept, and how they are read and written.
//!
//! A *vault* is a file `vaults/<type>/<id>.yaml` that says where secrets are; a [`Provider`] gets them
//! from there. [`Vaults`] finds the vaults of a repository and is what the engine asks
//! ([`SecretStore`]).
//!
//! Rules that hold here:
//!
//! * **Looking runs nothing.** Listing and opening vaults and listing keys read files at most. Only
//!   [`Provider::get`] and [`Provider::put`] run a command or decrypt.
//! * **A vault keeps to its repository.** Secrets are read and written below the repository, where
//!   containers mount secrets, or in directories the user has named ([`Surroundings::outside`]);
//!   a cloned repository that points elsewhere, with a setting or a symbolic link, is refused.
//! * **A write is all or nothing**, in files only their owner can read, and waits for the disk.
//! * **Errors name vault and key, never a value.**

mod config;
mod error;
mod files;
mod generate;
mod program;
mod provider;
mod surroundings;
mod types;
mod vaults;

pub use config::{VaultConfig, check_name};
pub use error::{Result, VaultError};
pub use generate::generate;
pub use provider::Provider;
pub use surroundings::Surroundings;
pub use types::VaultType;
pub use vaults::{Listing, Migration, NoVaults, SecretStore, Vaults};
