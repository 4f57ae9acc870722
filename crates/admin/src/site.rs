//! A node and the accounts of it that are used on this computer.

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
        let path = config.data_dir.clone();
        let node = Node::start(config).await.map_err(|fault: StartFault| HostFault::Node(fault))?;
        match BuiltInClients::open(node.clone(), keys).await {
            Ok(clients) => Ok(Self { node, clients }),
            Err(AdminError { detail, .. }) => {
                node.stop().await;
                Err(HostFault::Home { path, reason: detail })
            }
        }
    }

    /// Stops the clients, and then the node.
    pub(crate) async fn stop(self) {
        self.clients.close();
        self.node.stop().await;
    }
}
