//! Others' ratchet trees with one member more, who can sign for them.
//!
//! The member comes in as an Add brings it (RFC 9420, section 7.7): into a blank leaf, unmerged in all parents above it.
//! A tree stays as good, or as bad, as it was by that.

use openmls::prelude::Ciphersuite;
use openmls::prelude::tls_codec::{DeserializeBytes, Serialize, VLBytes};
use openmls_traits::crypto::OpenMlsCrypto;

use crate::mls::CRYPTO;

const LEAF: u8 = 1;
const PARENT: u8 = 2;

/// A ratchet tree: its nodes as they are written, without their type, and with all blank ones.
pub(super) struct Tree {
    nodes: Vec<Option<Vec<u8>>>,
}

impl Tree {
    /// Reads a tree (RFC 9420, section 12.4.3.3), which has to be well-formed.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (nodes, rest) = VLBytes::tls_deserialize_bytes(bytes).unwrap();
        assert!(rest.is_empty());
        let (mut rest, mut nodes) = (nodes.as_slice(), Vec::<Option<Vec<u8>>>::with_capacity(128));
        while let Some((is_there, after)) = rest.split_first() {
            rest = after;
            nodes.push((*is_there == 1).then(|| {
                let (kind, node) = rest.split_first().unwrap();
                rest = if *kind == LEAF { after_leaf(node) } else { after_vectors(node, 3) };
                node[..node.len() - rest.len()].to_vec()
            }));
        }
        nodes.resize(nodes.len().next_power_of_two() * 2 - 1, None);
        // So many leaves that it is whole, and no more.
        while nodes.len() > 1 && nodes[nodes.len() / 2..].iter().all(Option::is_none) {
            nodes.truncate(nodes.len() / 2);
        }
        Self { nodes }
    }

    /// As it is read: without the blank nodes at its end.
    pub(super) fn write(&self) -> Vec<u8> {
        let end = self.nodes.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let mut written = Vec::new();
        for (index, node) in self.nodes[..end].iter().enumerate() {
            match node {
                Some(node) => written.extend([&[1, kind(index)], node.as_slice()].concat()),
                None => written.push(0),
            }
        }
        VLBytes::new(written).tls_serialize_detached().unwrap()
    }

    /// Puts a LeafNode into the first blank leaf, and returns which that is.
    pub(super) fn add(&mut self, leaf: Vec<u8>) -> u32 {
        let blank = self.nodes.iter().step_by(2).position(Option::is_none);
        let index = blank.unwrap_or_else(|| {
            let width = self.nodes.len();
            self.nodes.resize(2 * width + 1, None);
            width.div_ceil(2)
        }) as u32;
        self.nodes[2 * index as usize] = Some(leaf);
        let mut level = 1;
        // The ancestors of a leaf are the middles of ever larger runs of nodes.
        while 1 << level <= self.nodes.len() {
            let run = 1 << (level + 1);
            let above = 2 * index as usize / run * run + (1 << level) - 1;
            if let Some(parent) = &mut self.nodes[above] {
                *parent = with_unmerged(parent, index);
            }
            level += 1;
        }
        index
    }

    /// The nodes that are not blank.
    pub(super) fn filled(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.is_some()).map(|(index, _)| index)
    }

    /// The same with one bit of a node turned round.
    pub(super) fn spoilt(&self, node: usize) -> Self {
        let mut nodes = self.nodes.clone();
        if let Some(bytes) = &mut nodes[node] {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        Self { nodes }
    }

    /// The hashes of all its nodes (RFC 9420, section 7.8).
    pub(super) fn hashes(&self, suite: Ciphersuite) -> Vec<Vec<u8>> {
        let mut hashes = vec![Vec::new(); self.nodes.len()];
        let mut step = 1;
        while step <= self.nodes.len() {
            for index in (step - 1..self.nodes.len()).step_by(2 * step) {
                let mut input = vec![kind(index)];
                if step == 1 {
                    input.extend((index as u32 / 2).to_be_bytes());
                }
                input.push(u8::from(self.nodes[index].is_some()));
                input.extend(self.nodes[index].iter().flatten());
                if step > 1 {
                    for child in [index - step / 2, index + step / 2] {
                        let hash = VLBytes::new(hashes[child].clone());
                        input.extend(hash.tls_serialize_detached().unwrap());
                    }
                }
                hashes[index] = CRYPTO.hash(suite.hash_algorithm(), &input).unwrap();
            }
            step *= 2;
        }
        hashes
    }

    /// The hash of the whole.
    pub(super) fn hash(&self, suite: Ciphersuite) -> Vec<u8> {
        self.hashes(suite).swap_remove(self.nodes.len() / 2)
    }
}

fn kind(index: usize) -> u8 {
    if index.is_multiple_of(2) { LEAF } else { PARENT }
}

/// What is behind `count` opaque vectors.
fn after_vectors(bytes: &[u8], count: usize) -> &[u8] {
    (0..count).fold(bytes, |rest, _| VLBytes::tls_deserialize_bytes(rest).unwrap().1)
}

/// What is behind a LeafNode (RFC 9420, section 7.2).
fn after_leaf(bytes: &[u8]) -> &[u8] {
    // Its two keys; the type of the credential; that, and the five lists of its capabilities.
    let rest = after_vectors(&after_vectors(bytes, 2)[2..], 6);
    let (source, rest) = rest.split_first().unwrap();
    let rest = match source {
        1 => &rest[16..],
        2 => rest,
        _ => after_vectors(rest, 1),
    };
    // Its extensions and its signature.
    after_vectors(rest, 2)
}

/// A ParentNode with one unmerged leaf more (RFC 9420, section 7.1).
fn with_unmerged(parent: &[u8], leaf: u32) -> Vec<u8> {
    let behind_hash = after_vectors(parent, 2);
    let (unmerged, _) = VLBytes::tls_deserialize_bytes(behind_hash).unwrap();
    let mut leaves: Vec<[u8; 4]> = unmerged.as_slice().chunks(4).map(|one| one.try_into().unwrap()).collect();
    leaves.push(leaf.to_be_bytes());
    leaves.sort_unstable();
    let mut with = parent[..parent.len() - behind_hash.len()].to_vec();
    with.extend(VLBytes::new(leaves.concat()).tls_serialize_detached().unwrap());
    with
}
