//! A node and the accounts of it that are used on this computer.

use std::sync::Arc;

use drawbridge_node::ambient::{Ambient, System};
use drawbridge_node::config::Config;
use drawbridge_node::{Node, StartFault};

use crate::built_in_clients::BuiltInClients;
use crate::error::AdminError;
use crate::host_fault::HostFault;
use crate::keys::KeyPlace;

/// A running node with its built-in clients; cheap to clone.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) node: Node,
    pub(crate) clients: BuiltInClients,
}

impl Site {
    /// Starts the node of `config`, and then its clients.
    pub(crate) async fn start(config: Config, keys: KeyPlace) -> Result<Self, HostFault> {
        Self::start_in(config, keys, Arc::new(System)).await
    }

    /// The same on a machine of the caller's.
    pub(crate) async fn start_in(
        config: Config,
        keys: KeyPlace,
        machine: Arc<dyn Ambient>,
    ) -> Result<Self, HostFault> {
        let path = config.data_dir.clone();
        let node =
            Node::start_in(config, machine).await.map_err(|fault: StartFault| HostFault::Node(fault))?;
        match BuiltInClients::open(node.clone(), keys).await {
            Ok(clients) => Ok(Self { node, clients }),
            Err(AdminError { detail, .. }) => {
                node.stop().await;
                Err(HostFault::Home { path, reason: detail })
            }
        }
    }

    /// Whether `other` is the same, and not another life of it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.clients.are(&other.clients)
    }

    /// Stops the clients, and then the node.
    pub(crate) async fn stop(self) {
        self.clients.close();
        self.node.stop().await;
    }
}
