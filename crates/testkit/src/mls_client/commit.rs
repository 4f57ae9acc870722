//! What it makes: groups, commits, proposals, messages. Nothing is sent here.

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::{ClaimReply, GroupInfoReply, RegisterGroup, Submission, SubmissionKind};
use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::policy::Policy;
use openmls::group::{
    MIXED_CIPHERTEXT_WIRE_FORMAT_POLICY, MIXED_PLAINTEXT_WIRE_FORMAT_POLICY, MlsGroup, MlsGroupCreateConfig,
};
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::prelude::tls_codec::{Deserialize, DeserializeBytes, Serialize, Size, VLBytes};
use openmls::prelude::{
    Extension, Extensions, GroupContext, KeyPackage, LeafNodeIndex, LeafNodeParameters, Lifetime,
    MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, ProtocolVersion, RatchetTreeIn, UnknownExtension,
};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::signatures::Signer;

use super::keys::LIFETIME_S;
use super::mls::{SUITE, client_of, group_id, join_config, required, with_policy, write};
use super::{Joined, MlsClient};

/// What an extension holds that a commit sets.
const SET: &[u8] = b"set by a test";

/// What a commit is to bring about.
#[derive(Clone, Debug, Default)]
pub struct CommitPlan {
    packages: Vec<Octets>,
    grants: Vec<String>,
    removes: Vec<ClientUri>,
    leaves: Vec<u32>,
    policy: Option<Policy>,
    extension: Option<u16>,
    identity: Option<String>,
    drops: bool,
}

impl CommitPlan {
    /// Nothing but new keys, and whatever proposals are pending.
    pub fn renewal() -> Self {
        Self::default()
    }

    /// Adds all that were claimed, with their grants.
    pub fn adding(claimed: &ClaimReply) -> Self {
        let clients = claimed.users.iter().flat_map(|user| &user.clients);
        let packages = clients.filter_map(|client| client.key_package.clone()).collect();
        let grants = claimed.users.iter().filter_map(|user| user.grant.clone()).collect();
        Self { packages, grants, ..Self::default() }
    }

    /// Adds the owner of a KeyPackage, without a grant.
    pub fn adding_package(package: Octets) -> Self {
        Self { packages: vec![package], ..Self::default() }
    }

    /// Removes a client.
    pub fn removing(client: &ClientUri) -> Self {
        Self { removes: vec![client.clone()], ..Self::default() }
    }

    /// Removes a leaf, whosever it is.
    pub fn removing_leaf(leaf: u32) -> Self {
        Self { leaves: vec![leaf], ..Self::default() }
    }

    /// Removes a client as well.
    #[must_use]
    pub fn and_removing(mut self, client: &ClientUri) -> Self {
        self.removes.push(client.clone());
        self
    }

    /// Changes the policy.
    pub fn with_policy(policy: Policy) -> Self {
        Self { policy: Some(policy), ..Self::default() }
    }

    /// Sets an extension of the context that is nobody's, the others as they are.
    pub fn setting(kind: u16) -> Self {
        Self { extension: Some(kind), ..Self::default() }
    }

    /// Sets such an extension as well.
    #[must_use]
    pub fn and_setting(mut self, kind: u16) -> Self {
        self.extension = Some(kind);
        self
    }

    /// With these grants instead.
    #[must_use]
    pub fn grants(mut self, grants: Vec<String>) -> Self {
        self.grants = grants;
        self
    }

    /// Under another identity.
    #[must_use]
    pub fn identity(mut self, identity: &str) -> Self {
        self.identity = Some(identity.to_owned());
        self
    }

    /// Without the proposals that are pending.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.drops = true;
        self
    }
}

impl MlsClient {
    /// Makes a group that nobody knows of yet.
    pub fn drafts(&self, group: &GroupUri, policy: &Policy) -> RegisterGroup {
        self.drafts_for(group, policy, LIFETIME_S)
    }

    /// Makes a group in which its own leaf lives for so many seconds.
    pub fn drafts_for(&self, group: &GroupUri, policy: &Policy, lifetime_s: u64) -> RegisterGroup {
        self.drafts_with(group, with_policy(required(), policy), lifetime_s)
    }

    /// Makes a group whose context has the policy alone, and requires nothing of its members.
    pub fn drafts_bare(&self, group: &GroupUri, policy: &Policy) -> RegisterGroup {
        self.drafts_with(group, with_policy(Extensions::empty(), policy), LIFETIME_S)
    }

    fn drafts_with(
        &self,
        group: &GroupUri,
        context: Extensions<GroupContext>,
        lifetime_s: u64,
    ) -> RegisterGroup {
        let config = MlsGroupCreateConfig::builder()
            .wire_format_policy(MIXED_PLAINTEXT_WIRE_FORMAT_POLICY)
            .max_past_epochs(4)
            .use_ratchet_tree_extension(false)
            .ciphersuite(SUITE)
            .lifetime(Lifetime::new(lifetime_s))
            .capabilities(self.capabilities())
            .with_group_context_extensions(context)
            .build();
        let mls =
            MlsGroup::new_with_group_id(&self.mls, &self.keys, &config, group_id(group), self.credential());
        let mls = mls.unwrap();
        let info = mls.export_group_info(self.mls.crypto(), &self.keys, false).unwrap();
        let register = RegisterGroup {
            group: group.clone(),
            group_info: write(&info),
            ratchet_tree: write(&mls.export_ratchet_tree()),
        };
        let joined = Joined { mls, since: Some(1), pending: None, events: Vec::new() };
        self.memory().groups.insert(group.clone(), joined);
        register
    }

    /// Creates a group at its provider.
    pub async fn creates(&self, name: &str, policy: &Policy) -> GroupUri {
        let group = GroupUri::new(self.uri.provider(), &name.parse().unwrap());
        let register = self.drafts(&group, policy);
        self.registers(&register).await.unwrap();
        group
    }

    /// A commit for a group, which is pending here until the feed brings it, or another.
    pub fn commit(&self, group: &GroupUri, plan: CommitPlan) -> Submission {
        let packages: Vec<KeyPackage> = plan.packages.iter().map(read_package).collect();
        let capabilities = self.capabilities();
        self.with(group, |joined| {
            joined.mls.clear_pending_commit(self.mls.storage()).unwrap();
            let removes: Vec<LeafNodeIndex> = plan
                .removes
                .iter()
                .map(|client| leaf_of(&joined.mls, client))
                .chain(plan.leaves.iter().copied().map(LeafNodeIndex::new))
                .collect();
            let mut extensions = joined.mls.extensions().clone();
            let mut leaf = LeafNodeParameters::builder().with_capabilities(capabilities);
            if let Some(identity) = &plan.identity {
                leaf = leaf.with_credential_with_key(self.credential_as(identity));
            }
            let mut builder = joined
                .mls
                .commit_builder()
                .consume_proposal_store(!plan.drops)
                .force_self_update(true)
                .leaf_node_parameters(leaf.build())
                .propose_adds(packages)
                .propose_removals(removes);
            if plan.policy.is_some() || plan.extension.is_some() {
                if let Some(policy) = &plan.policy {
                    extensions = with_policy(extensions, policy);
                }
                if let Some(kind) = plan.extension {
                    let extension = Extension::Unknown(kind, UnknownExtension(SET.to_vec()));
                    extensions.add_or_replace(extension).unwrap();
                }
                builder = builder.propose_group_context_extensions(extensions).unwrap();
            }
            let bundle = builder
                .load_psks(self.mls.storage())
                .unwrap()
                .create_group_info(true)
                .build(self.mls.rand(), self.mls.crypto(), &self.keys, |_| true)
                .unwrap()
                .stage_commit(&self.mls)
                .unwrap();
            let (commit, welcome, info) = bundle.into_messages();
            let mls = write(&commit);
            joined.pending = Some(mls.as_slice().to_vec());
            let mut submission = self.submission(SubmissionKind::Commit, mls);
            submission.welcome = welcome.map(|welcome| write(&welcome));
            submission.group_info = info.map(|info| write(&info));
            submission.grants = plan.grants;
            submission
        })
    }

    /// A commit of its own that sets an extension, made to set one of another type instead and signed anew; for openmls
    /// makes no commit that it would refuse. The tags, which only members can check, stay.
    pub fn sets_instead(&self, group: &GroupUri, commit: &Submission, kind: u16, other: u16) -> Submission {
        let mut content = commit.mls.as_slice().to_vec();
        // The signature's 64 bytes and the two tags' 32, with their lengths.
        let rest = content.split_off(content.len() - 66 - 33 - 33);
        let data = vector(SET);
        let set = [&kind.to_be_bytes(), data.as_slice()].concat();
        let at = content.windows(set.len()).position(|window| window == set).unwrap();
        content[at..at + 2].copy_from_slice(&other.to_be_bytes());
        let info =
            self.with(group, |joined| joined.mls.export_group_info(self.mls.crypto(), &self.keys, false));
        let context = group_info(&write(&info.unwrap())).group_context().tls_serialize_detached().unwrap();
        let signature = self.signs("FramedContentTBS", &[&content[..], &context].concat());
        let mls = Octets([&content, &signature, &rest[66..]].concat());
        Submission { id: self.clock.id(), mls, ..commit.clone() }
    }

    /// A signature with its length (SignWithLabel of RFC 9420, section 5.1.2).
    fn signs(&self, label: &str, content: &[u8]) -> Vec<u8> {
        let payload = [vector(format!("MLS 1.0 {label}").as_bytes()), vector(content)].concat();
        vector(&self.keys.sign(&payload).unwrap())
    }

    /// A GroupInfo of its own without extensions, and so without `external_pub`, signed anew.
    pub fn without_external_pub(&self, info: &Octets) -> Octets {
        let read = group_info(info);
        let context = read.group_context().tls_serialize_detached().unwrap();
        let whole = read.tls_serialize_detached().unwrap();
        let mut rest = &whole[context.len() + read.extensions().tls_serialized_len()..];
        let tag = VLBytes::tls_deserialize(&mut rest).unwrap();
        let signer = u32::tls_deserialize(&mut rest).unwrap();
        let signed = [context, vector(&[]), vector(tag.as_slice()), signer.to_be_bytes().to_vec()].concat();
        let signature = self.signs("GroupInfoTBS", &signed);
        let framing = &info.as_slice()[..4];
        Octets([framing, &signed, &signature].concat())
    }

    /// The tree of a group as it knows it.
    pub fn ratchet_tree(&self, group: &GroupUri) -> Octets {
        self.with(group, |joined| write(&joined.mls.export_ratchet_tree()))
    }

    /// Forgets its own commit that was not taken.
    pub fn forgets_commit(&self, group: &GroupUri) {
        self.with(group, |joined| {
            joined.pending = None;
            joined.mls.clear_pending_commit(self.mls.storage()).unwrap();
        });
    }

    /// Forgets all that it knows of a group, as a client that has lost its state.
    pub fn forgets_group(&self, group: &GroupUri) {
        let joined = self.memory().groups.remove(group);
        joined.unwrap().mls.delete(self.mls.storage()).unwrap();
    }

    /// A proposal of its own removal.
    pub fn leaves(&self, group: &GroupUri) -> Submission {
        self.with(group, |joined| {
            let own = joined.mls.own_leaf_index();
            let (proposal, _) = joined.mls.propose_remove_member(&self.mls, &self.keys, own).unwrap();
            self.submission(SubmissionKind::Proposal, write(&proposal))
        })
    }

    /// A proposal to replace its own leaf by a new one.
    pub fn proposes_update(&self, group: &GroupUri) -> Submission {
        let leaf = LeafNodeParameters::builder().with_capabilities(self.capabilities()).build();
        self.with(group, |joined| {
            let (proposal, _) = joined.mls.propose_self_update(&self.mls, &self.keys, leaf).unwrap();
            self.submission(SubmissionKind::Proposal, write(&proposal))
        })
    }

    /// A proposal to remove another.
    pub fn proposes_removal(&self, group: &GroupUri, client: &ClientUri) -> Submission {
        self.with(group, |joined| {
            let leaf = leaf_of(&joined.mls, client);
            let (proposal, _) = joined.mls.propose_remove_member(&self.mls, &self.keys, leaf).unwrap();
            self.submission(SubmissionKind::Proposal, write(&proposal))
        })
    }

    /// An application message.
    pub fn says(&self, group: &GroupUri, text: &str) -> Submission {
        self.with(group, |joined| {
            let message = joined.mls.create_message(&self.mls, &self.keys, text.as_bytes()).unwrap();
            self.submission(SubmissionKind::Application, write(&message))
        })
    }

    /// From now on its handshakes go out as `PrivateMessage`, or as `PublicMessage` again.
    pub fn hides_handshakes(&self, group: &GroupUri, hides: bool) {
        let policy =
            if hides { MIXED_CIPHERTEXT_WIRE_FORMAT_POLICY } else { MIXED_PLAINTEXT_WIRE_FORMAT_POLICY };
        let config = openmls::group::MlsGroupJoinConfig::builder()
            .wire_format_policy(policy)
            .max_past_epochs(4)
            .use_ratchet_tree_extension(false)
            .build();
        self.with(group, |joined| joined.mls.set_configuration(self.mls.storage(), &config).unwrap());
    }

    /// An external commit, by which it comes in, or comes in anew.
    pub fn joins(&self, group: &GroupUri, info: &GroupInfoReply) -> Submission {
        self.joins_as(group, info, self.uri.as_str())
    }

    /// An external commit of somebody of this name.
    pub fn joins_as(&self, group: &GroupUri, info: &GroupInfoReply, identity: &str) -> Submission {
        let tree = RatchetTreeIn::tls_deserialize_exact(info.ratchet_tree.as_slice()).unwrap();
        let (mls, bundle) = MlsGroup::external_commit_builder()
            .with_ratchet_tree(tree)
            .with_config(join_config())
            .skip_lifetime_validation()
            .build_group(&self.mls, group_info(&info.group_info), self.credential_as(identity))
            .unwrap()
            .leaf_node_parameters(
                LeafNodeParameters::builder().with_capabilities(self.capabilities()).build(),
            )
            .load_psks(self.mls.storage())
            .unwrap()
            .create_group_info(true)
            .build(self.mls.rand(), self.mls.crypto(), &self.keys, |_| true)
            .unwrap()
            .finalize(&self.mls)
            .unwrap();
        let (commit, _, info) = bundle.into_messages();
        let mut submission = self.submission(SubmissionKind::Commit, write(&commit));
        let pending = Some(submission.mls.as_slice().to_vec());
        let joined = Joined { mls, since: None, pending, events: Vec::new() };
        self.memory().groups.insert(group.clone(), joined);
        submission.group_info = info.map(|info| write(&info));
        submission
    }

    /// A submission of anything.
    pub fn submission(&self, kind: SubmissionKind, mls: Octets) -> Submission {
        let (id, sender) = (self.clock.id(), self.uri.clone());
        Submission { id, kind, sender, mls, welcome: None, group_info: None, grants: Vec::new() }
    }
}

/// The reference by which a Welcome names a KeyPackage.
pub fn reference(package: &Octets) -> Octets {
    Octets(read_package(package).hash_ref(&RustCrypto::default()).unwrap().as_slice().to_vec())
}

/// Bytes with their length before them.
fn vector(bytes: &[u8]) -> Vec<u8> {
    VLBytes::new(bytes.to_vec()).tls_serialize_detached().unwrap()
}

fn read_package(bytes: &Octets) -> KeyPackage {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes.as_slice()).unwrap();
    let MlsMessageBodyIn::KeyPackage(package) = message.extract() else { panic!("no KeyPackage") };
    package.validate(&RustCrypto::default(), ProtocolVersion::Mls10).unwrap()
}

fn group_info(bytes: &Octets) -> VerifiableGroupInfo {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes.as_slice()).unwrap();
    let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { panic!("no GroupInfo") };
    info
}

fn leaf_of(group: &MlsGroup, client: &ClientUri) -> LeafNodeIndex {
    let member = group.members().find(|member| client_of(&member.credential) == *client);
    member.unwrap_or_else(|| panic!("{client} is not a member")).index
}
