//! What a certificate says of itself (RFC 5280, section 4.1): for whom it is, who has signed it, and from when to when it
//! holds. The rest of it is for those who connect.

use std::net::IpAddr;

use drawbridge_mtp::time::Timestamp;
use yasna::models::TaggedDerValue;
use yasna::tags::TAG_UTCTIME;
use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag, parse_der};

/// subjectAltName (section 4.2.1.6).
const ALTERNATIVE_NAMES: [u64; 4] = [2, 5, 29, 17];
/// dNSName and iPAddress in a GeneralName.
const DNS_NAME: u64 = 2;
const IP_ADDRESS: u64 = 7;

/// What a certificate says of itself.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) names: Vec<String>,
    pub(super) self_signed: bool,
    pub(super) begins: Timestamp,
    pub(super) ends: Timestamp,
}

/// Reads a certificate in DER.
pub(super) fn read(der: &[u8]) -> ASN1Result<Said> {
    parse_der(der, |reader| {
        reader.read_sequence(|reader| {
            let said = reader.next().read_sequence(read_body)?;
            let _algorithm = reader.next().read_der()?;
            let _signature = reader.next().read_der()?;
            Ok(said)
        })
    })
}

fn read_body(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Said> {
    let _version =
        reader.read_optional(|reader| reader.read_tagged(Tag::context(0), |reader| reader.read_u8()))?;
    let _serial = reader.next().read_der()?;
    let _algorithm = reader.next().read_der()?;
    let issuer = reader.next().read_der()?;
    let (begins, ends) =
        reader.next().read_sequence(|reader| Ok((read_time(reader.next())?, read_time(reader.next())?)))?;
    let subject = reader.next().read_der()?;
    let _key = reader.next().read_der()?;
    for unique_id in [1, 2] {
        reader.read_optional(|reader| {
            reader.read_tagged_implicit(Tag::context(unique_id), |reader| reader.read_bitvec_bytes())
        })?;
    }
    let names = reader
        .read_optional(|reader| reader.read_tagged(Tag::context(3), |reader| read_extensions(reader)))?;
    Ok(Said { names: names.unwrap_or_default(), self_signed: issuer == subject, begins, ends })
}

fn read_time(reader: BERReader<'_, '_>) -> ASN1Result<Timestamp> {
    let seconds = if reader.lookahead_tag()? == TAG_UTCTIME {
        reader.read_utctime()?.datetime().unix_timestamp()
    } else {
        reader.read_generalized_time()?.datetime().unix_timestamp()
    };
    Ok(Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn read_extensions(reader: BERReader<'_, '_>) -> ASN1Result<Vec<String>> {
    let mut names = Vec::new();
    reader.read_sequence_of(|reader| {
        reader.read_sequence(|reader| {
            let id = reader.next().read_oid()?;
            let _is_critical = reader.read_default(false, |reader| reader.read_bool())?;
            let value = reader.next().read_bytes()?;
            if *id.components() == ALTERNATIVE_NAMES {
                parse_der(&value, |reader| {
                    reader.read_sequence_of(|reader| {
                        names.extend(read_name(&reader.read_tagged_der()?));
                        Ok(())
                    })
                })?;
            }
            Ok(())
        })
    })?;
    Ok(names)
}

fn read_name(name: &TaggedDerValue) -> Option<String> {
    match name.tag() {
        tag if tag == Tag::context(DNS_NAME) => {
            Some(std::str::from_utf8(name.value()).ok()?.to_ascii_lowercase())
        }
        tag if tag == Tag::context(IP_ADDRESS) => {
            let v4 = <[u8; 4]>::try_from(name.value()).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(name.value()).map(IpAddr::from));
            Some(address.ok()?.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, Issuer, KeyPair};

    use super::*;

    #[test]
    fn names_signer_and_times_are_read() {
        let key = KeyPair::generate().unwrap();
        let names = ["home.example", "*.home.example", "192.0.2.1", "2001:db8::1"];
        let mut params = CertificateParams::new(names.map(str::to_owned).to_vec()).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 2, 29);
        params.not_after = rcgen::date_time_ymd(2050, 1, 1);
        let own = read(params.self_signed(&key).unwrap().der()).unwrap();
        assert_eq!(own.names, names);
        assert!(own.self_signed);
        assert_eq!(own.begins.to_string(), "2020-02-29T00:00:00.000Z");
        // From 2050 on a time has another form.
        assert_eq!(own.ends.to_string(), "2050-01-01T00:00:00.000Z");

        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
        let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
        let issued = read(params.signed_by(&key, &issuer).unwrap().der()).unwrap();
        assert!(!issued.self_signed && issued.names == names);
        let unnamed = CertificateParams::default().self_signed(&key).unwrap();
        assert_eq!(read(unnamed.der()).unwrap().names, Vec::<String>::new());
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let whole = CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap();
        for end in 0..whole.der().len() {
            assert!(read(&whole.der()[..end]).is_err());
        }
    }
}
