//! The driver `raw`. What else it promises is in `tests/commands.rs`.

use std::sync::Arc;

use swamp_driver::{Driver, Raw};

use crate::suite::{Bed, conforms};

struct Here;

impl Bed for Here {
    fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(Raw::new())
    }
}

fn bed() -> Here {
    Here
}

conforms!(bed);
