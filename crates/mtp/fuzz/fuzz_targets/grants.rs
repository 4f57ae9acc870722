//! Grants and checkpoints: what nobody signed never holds, and any claims that can be read can be signed and read
//! again.

#![no_main]

use drawbridge_mtp::{
    checkpoint::UnverifiedCheckpoint, grant::UnverifiedGrant, keys::SecretKey, time::Timestamp,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|jws: &str| {
    let key = SecretKey::from_seed([1; 32]);
    if let Ok(checkpoint) = UnverifiedCheckpoint::parse(jws) {
        assert!(checkpoint.verify(&key.public()).is_none(), "holds though nobody signed it");
    }
    let Ok(grant) = UnverifiedGrant::parse(jws) else { return };
    let claims = grant.unverified_claims().clone();
    let now = Timestamp::from_secs(claims.iat);
    assert!(grant.verify(&key.public(), &claims.aud, now).is_err(), "holds though nobody signed it");

    let signed = UnverifiedGrant::parse(&claims.sign(&key)).unwrap();
    assert_eq!(signed.unverified_claims(), &claims);
    let _ = signed.verify(&key.public(), &claims.aud, now);
});
