//! Grants: what nobody signed never holds, and any claims that can be read can be signed and read again.

#![no_main]

use drawbridge_mtp::{grant::UnverifiedGrant, keys::SecretKey, time::Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|jws: &str| {
    let Ok(grant) = UnverifiedGrant::parse(jws) else { return };
    let key = SecretKey::from_seed([1; 32]);
    let claims = grant.unverified_claims().clone();
    let now = Timestamp::from_secs(claims.iat);
    assert!(grant.verify(&key.public(), &claims.aud, now).is_err(), "holds though nobody signed it");

    let signed = UnverifiedGrant::parse(&claims.sign(&key)).unwrap();
    assert_eq!(signed.unverified_claims(), &claims);
    let _ = signed.verify(&key.public(), &claims.aud, now);
});
