// SPDX-License-Identifier: GPL-2.0
//! The root of a commit: its number, its members, and where its tables are. A commit is on a
//! replica from the moment that its root is, and nothing of it before.
//!
//! Roots differ from replica to replica only in whose they are, and what was claimed there. A
//! claim is a root of the same commit with a larger claim; of two roots the larger commit is the
//! right one, and of one commit the larger claim.

use super::{
    field::{
        is_gapless,
        Field, //
    },
    header::{
        role,
        role_number, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    members::{
        Change,
        Member,
        Role, //
    },
    page::{
        bad,
        open_as,
        payload_mut,
        seal,
        zero,
        Damage,
        Kind,
        Stamp,
        PAYLOAD_BYTES, //
    },
    table::{
        Pointer,
        POINTER_BYTES,
        TABLES_MAX, //
    },
};
use crate::limits::REPLICAS_MAX;

/// Whose it is.
pub const REPLICA: Field = Field::first("replica", 16, "uuid of the replica");
/// What was claimed on it.
pub const CLAIM: Field = REPLICA.then("claim", 8, "largest epoch claimed on this replica, or 0");
/// What it is for.
pub const ROLE: Field = CLAIM.then("role", 4, "1 for a vote, 2 for a tie-breaker");
/// Number of tables.
pub const TABLES: Field = ROLE.then("tables", 4, "number of pointers to tables that follow");
/// Number of members.
pub const MEMBERS: Field = TABLES.then("members", 4, "number of members behind the pointers");
/// Nothing.
pub const REST: Field = MEMBERS.then("rest", 4, "zero");

/// The fixed part of the payload, field by field.
pub const FIELDS: &[Field] = &[REPLICA, CLAIM, ROLE, TABLES, MEMBERS, REST];

/// Bytes of the fixed part.
pub const FIXED_BYTES: usize = 40;

/// A member.
pub const MEMBER: Field = Field::first("replica", 16, "uuid of the member");
/// Its device.
pub const COMPONENT: Field = MEMBER.then(
    "component",
    16,
    "uuid in the label of the same device, or zero",
);
/// Its place there.
pub const START: Field = COMPONENT.then("start", 8, "its first sector there, a hint");
/// What it is for.
pub const MEMBER_ROLE: Field = START.then("role", 1, "1 for a vote, 2 for a tie-breaker");
/// What the commit does to it.
pub const CHANGE: Field = MEMBER_ROLE.then("change", 1, "0 stays, 1 joins, 2 leaves, 3 given up");
/// Whether it failed.
pub const FAILED: Field = CHANGE.then("failed", 1, "1 if a commit could not reach it, else 0");
/// Nothing.
pub const MEMBER_REST: Field = FAILED.then("rest", 5, "zero");

/// A member, field by field.
pub const MEMBER_FIELDS: &[Field] = &[
    MEMBER,
    COMPONENT,
    START,
    MEMBER_ROLE,
    CHANGE,
    FAILED,
    MEMBER_REST,
];

/// Bytes of a member.
pub const MEMBER_BYTES: usize = 48;

const _: () = assert!(is_gapless(FIELDS, FIXED_BYTES));
const _: () = assert!(is_gapless(MEMBER_FIELDS, MEMBER_BYTES));
// The largest root fits its page.
const _: () = assert!(
    FIXED_BYTES + TABLES_MAX * POINTER_BYTES + REPLICAS_MAX * MEMBER_BYTES <= PAYLOAD_BYTES
);

/// What a root says, its lists apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Root {
    /// The set.
    pub set: Uuid,
    /// The replica that it is on.
    pub replica: Uuid,
    /// What the replica is for.
    pub role: Role,
    /// The commit.
    pub generation: Generation,
    /// The largest epoch that was claimed on the replica; 0 for none.
    pub claim: u64,
}

/// A root that was verified, with its lists.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// What it says.
    pub root: Root,
    /// Its place in the replica.
    pub place: u32,
    tables: &'a [u8],
    members: &'a [u8],
}

impl Root {
    /// Makes the root's page. `None` if `bytes` is no page, or a list longer than its limit.
    pub fn encode(
        &self,
        place: u32,
        tables: &[Pointer],
        members: &[Member],
        bytes: &mut [u8],
    ) -> Option<()> {
        if tables.len() > TABLES_MAX || members.len() > REPLICAS_MAX {
            return None;
        }
        let payload = payload_mut(bytes);
        payload.fill(0);
        REPLICA.put_uuid(payload, self.replica);
        CLAIM.put(payload, self.claim);
        ROLE.put(payload, role_number(self.role).into());
        TABLES.put(payload, tables.len() as u64);
        MEMBERS.put(payload, members.len() as u64);
        let lists = payload.get_mut(FIXED_BYTES..)?;
        let table_bytes = tables.len().checked_mul(POINTER_BYTES)?;
        let (table_list, rest) = lists.split_at_mut_checked(table_bytes)?;
        for (to, table) in table_list.chunks_exact_mut(POINTER_BYTES).zip(tables) {
            table.encode(to);
        }
        for (to, member) in rest.chunks_exact_mut(MEMBER_BYTES).zip(members) {
            encode_member(member, to);
        }
        let member_bytes = members.len().checked_mul(MEMBER_BYTES)?;
        let used = FIXED_BYTES
            .checked_add(table_bytes)?
            .checked_add(member_bytes)?;
        let stamp = Stamp {
            kind: Kind::Root,
            set: self.set,
            generation: self.generation,
            place,
        };
        seal(bytes, stamp, used).map(drop)
    }
}

impl<'a> Verified<'a> {
    /// Reads the root that stands at a place of a replica.
    pub fn decode(bytes: &'a [u8], set: Uuid, replica: Uuid, place: u32) -> Result<Self, Damage> {
        let page = open_as(bytes, Kind::Root, set, place)?;
        let (fixed, lists) = page
            .payload
            .split_at_checked(FIXED_BYTES)
            .ok_or(bad("used", page.payload.len() as u64))?;
        let root = Root {
            set,
            replica: REPLICA.uuid(fixed),
            role: role(ROLE, fixed)?,
            generation: page.stamp.generation,
            claim: CLAIM.number(fixed),
        };
        zero(REST, fixed)?;
        if root.replica != replica {
            return Err(Damage::Misplaced { found: page.stamp });
        }
        let (tables, members) = split_lists(fixed, lists)?;
        let verified = Self {
            root,
            place,
            tables,
            members,
        };
        verified.judge_lists()?;
        Ok(verified)
    }

    /// Where its tables are.
    pub fn tables(&self) -> impl Iterator<Item = Pointer> + 'a {
        self.tables.chunks_exact(POINTER_BYTES).map(Pointer::decode)
    }

    /// Its members.
    pub fn members(&self) -> impl Iterator<Item = Member> + 'a {
        let members = self.members.chunks_exact(MEMBER_BYTES);
        members.filter_map(|member| decode_member(member).ok())
    }

    /// What decides which of two roots is the newer one.
    pub fn rank(&self) -> (Generation, u64) {
        (self.root.generation, self.root.claim)
    }

    /// Every pointer and member has values that it may have, and no replica is in the list twice.
    fn judge_lists(&self) -> Result<(), Damage> {
        for table in self.tables() {
            table.judge()?;
        }
        for (index, member) in self.members.chunks_exact(MEMBER_BYTES).enumerate() {
            let own = decode_member(member)?.replica;
            let mut before = self.members().take(index);
            if before.any(|other| other.replica == own) {
                return Err(bad("member, in the list twice", index as u64));
            }
        }
        Ok(())
    }
}

/// What the roots of a replica say together.
#[derive(Clone, Copy, Debug)]
pub struct Newest<'a> {
    /// The root that counts; `None` if none can be read.
    pub root: Option<Verified<'a>>,
    /// What is wrong with another one. A commit that was cut off leaves it too, so that it is a
    /// reason to write the roots again, and to tell, but not to refuse.
    pub damage: Option<Damage>,
}

/// Judges the roots of a replica, each of which stands at two places.
pub fn newest<'a>(roots: impl Iterator<Item = Result<Verified<'a>, Damage>>) -> Newest<'a> {
    let mut newest = Newest {
        root: None,
        damage: None,
    };
    for root in roots {
        match (root, newest.root) {
            (Err(damage), _) => newest.damage = Some(damage),
            (Ok(root), Some(best)) if root.rank() <= best.rank() => {}
            (Ok(root), _) => newest.root = Some(root),
        }
    }
    newest
}

/// The pointers to tables, and the members.
fn split_lists<'a>(fixed: &[u8], lists: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Damage> {
    let (tables, members) = (TABLES.number(fixed), MEMBERS.number(fixed));
    if tables > TABLES_MAX as u64 {
        return Err(bad(TABLES.name, tables));
    }
    if members > REPLICAS_MAX as u64 {
        return Err(bad(MEMBERS.name, members));
    }
    let table_bytes = (tables as usize).saturating_mul(POINTER_BYTES);
    let split = lists.split_at_checked(table_bytes);
    let (table_list, member_list) = split.ok_or(bad(TABLES.name, tables))?;
    if member_list.len() != (members as usize).saturating_mul(MEMBER_BYTES) {
        return Err(bad(MEMBERS.name, members));
    }
    Ok((table_list, member_list))
}

fn encode_member(member: &Member, to: &mut [u8]) {
    MEMBER.put_uuid(to, member.replica);
    COMPONENT.put_uuid(to, member.component);
    START.put(to, member.start_sector);
    MEMBER_ROLE.put(to, role_number(member.role).into());
    let change = match member.change {
        Change::Stays => 0,
        Change::Joins => 1,
        Change::Leaves => 2,
        Change::GivenUp => 3,
    };
    CHANGE.put(to, change);
    FAILED.put(to, member.failed.into());
}

fn decode_member(from: &[u8]) -> Result<Member, Damage> {
    let change = match CHANGE.number(from) {
        0 => Change::Stays,
        1 => Change::Joins,
        2 => Change::Leaves,
        3 => Change::GivenUp,
        found => return Err(bad(CHANGE.name, found)),
    };
    let failed = match FAILED.number(from) {
        0 => false,
        1 => true,
        found => return Err(bad(FAILED.name, found)),
    };
    zero(MEMBER_REST, from)?;
    Ok(Member {
        replica: MEMBER.uuid(from),
        role: role(MEMBER_ROLE, from)?,
        change,
        failed,
        component: COMPONENT.uuid(from),
        start_sector: START.number(from),
    })
}
