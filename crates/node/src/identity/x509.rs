//! What a certificate says of itself (RFC 5280, section 4.1): for whom it is, who has signed it, and from when to when it
//! holds. The rest of it is for those who connect.

use std::net::IpAddr;

use drawbridge_mtp::time::Timestamp;
use yasna::models::TaggedDerValue;
use yasna::tags::TAG_UTCTIME;
use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag, parse_der};

use super::fingerprint::Fingerprint;

/// subjectAltName (section 4.2.1.6).
const ALTERNATIVE_NAMES: [u64; 4] = [2, 5, 29, 17];
/// authorityKeyIdentifier (section 4.2.1.1).
const AUTHORITY_KEY: [u64; 4] = [2, 5, 29, 35];
/// authorityInfoAccess (section 4.2.2.1): where a certificate of the issuer is, among others. Public authorities always name it.
const ISSUER_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
/// commonName and organizationName in a name (section 4.1.2.4).
const COMMON_NAME: [u64; 4] = [2, 5, 4, 3];
const ORGANIZATION: [u64; 4] = [2, 5, 4, 10];
/// dNSName and iPAddress in a GeneralName.
const DNS_NAME: u64 = 2;
const IP_ADDRESS: u64 = 7;
/// keyIdentifier in an AuthorityKeyIdentifier.
const KEY_IDENTIFIER: u64 = 0;

/// What a certificate says of itself.
#[derive(Debug)]
pub(crate) struct Said {
    /// The name of whom it is for, beside `names`; empty where it has none.
    pub(crate) subject: String,
    /// The name of who has signed it; empty where that has none.
    pub(crate) issuer: String,
    /// The hosts that it is for.
    pub(crate) names: Vec<String>,
    /// Whether its issuer is called as it is itself.
    pub(crate) self_signed: bool,
    /// Whether it says where its issuer's certificate is.
    pub(crate) names_issuers_place: bool,
    /// From when on it holds.
    pub(crate) begins: Timestamp,
    /// Until when.
    pub(crate) ends: Timestamp,
    /// Its number, as the octets of an integer.
    pub(crate) serial: Vec<u8>,
    /// By which its issuer's key is known, where it says so.
    pub(crate) authority_key: Option<Vec<u8>>,
}

/// The day of a time in a certificate: nobody needs it more exactly.
pub(crate) fn date(time: Timestamp) -> String {
    time.to_string().chars().take_while(|it| *it != 'T').collect()
}

/// What people compare of a certificate in DER: its SHA-256.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    Fingerprint::of(der).to_string()
}

/// Reads a certificate in DER.
pub(crate) fn read(der: &[u8]) -> ASN1Result<Said> {
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
    let serial = reader.next().read_tagged_der()?.value().to_vec();
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
    let extensions = reader
        .read_optional(|reader| reader.read_tagged(Tag::context(3), |reader| read_extensions(reader)))?;
    let Extensions { names, names_issuers_place, authority_key } = extensions.unwrap_or_default();
    Ok(Said {
        self_signed: issuer == subject,
        subject: called(&subject),
        issuer: called(&issuer),
        names,
        names_issuers_place,
        begins,
        ends,
        serial,
        authority_key,
    })
}

/// What a name in DER calls its owner: its common name, else its organization.
fn called(der: &[u8]) -> String {
    let attributes = parse_der(der, |reader| {
        let mut attributes = Vec::new();
        reader.read_sequence_of(|reader| {
            reader.read_set_of(|reader| {
                reader.read_sequence(|reader| {
                    let kind = reader.next().read_oid()?;
                    let value = reader.next().read_tagged_der()?;
                    attributes.push((kind, String::from_utf8_lossy(value.value()).into_owned()));
                    Ok(())
                })
            })
        })?;
        Ok(attributes)
    });
    let attributes = attributes.unwrap_or_default();
    let value = |wanted: &[u64]| attributes.iter().find(|(kind, _)| kind.components() == wanted);
    value(&COMMON_NAME).or_else(|| value(&ORGANIZATION)).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn read_time(reader: BERReader<'_, '_>) -> ASN1Result<Timestamp> {
    let seconds = if reader.lookahead_tag()? == TAG_UTCTIME {
        reader.read_utctime()?.datetime().unix_timestamp()
    } else {
        reader.read_generalized_time()?.datetime().unix_timestamp()
    };
    Ok(Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// What is read of a certificate's extensions.
#[derive(Default)]
struct Extensions {
    names: Vec<String>,
    names_issuers_place: bool,
    authority_key: Option<Vec<u8>>,
}

fn read_extensions(reader: BERReader<'_, '_>) -> ASN1Result<Extensions> {
    let mut read = Extensions::default();
    reader.read_sequence_of(|reader| {
        reader.read_sequence(|reader| {
            let id = reader.next().read_oid()?;
            let _is_critical = reader.read_default(false, |reader| reader.read_bool())?;
            let value = reader.next().read_bytes()?;
            read.names_issuers_place |= *id.components() == ISSUER_ACCESS;
            if *id.components() == AUTHORITY_KEY {
                parse_der(&value, |reader| {
                    reader.read_sequence_of(|reader| {
                        let part = reader.read_tagged_der()?;
                        if part.tag() == Tag::context(KEY_IDENTIFIER) {
                            read.authority_key = Some(part.value().to_vec());
                        }
                        Ok(())
                    })
                })?;
            }
            if *id.components() == ALTERNATIVE_NAMES {
                parse_der(&value, |reader| {
                    reader.read_sequence_of(|reader| {
                        read.names.extend(read_name(&reader.read_tagged_der()?));
                        Ok(())
                    })
                })?;
            }
            Ok(())
        })
    })?;
    Ok(read)
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
        assert_eq!((issued.issuer.as_str(), issued.names_issuers_place), ("an authority", false));
        params
            .custom_extensions
            .push(rcgen::CustomExtension::from_oid_content(&ISSUER_ACCESS, vec![0x30, 0]));
        let public = read(params.signed_by(&key, &issuer).unwrap().der()).unwrap();
        assert!(public.names_issuers_place);
        assert_eq!(public.authority_key, None);
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x87, 0x65]));
        let known = read(params.signed_by(&key, &issuer).unwrap().der()).unwrap();
        assert_eq!(known.authority_key.map(|key| key.len()), Some(20));
        assert_eq!(known.serial, [0, 0x87, 0x65], "an integer that is not negative");
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
