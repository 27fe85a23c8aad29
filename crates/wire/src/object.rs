//! The macro behind every object of this crate: keys in order, absent kept absent, strangers kept.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

/// Keys that an object had and this version does not know, in the order they were read.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// A key that is borrowed from the text where it can be.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Declares a JSON object.
///
/// `required` keys must be there when reading and are always written. `optional` keys are fields of
/// type `Option`; they are written when there is a value. An optional key that is read as `null` is
/// a stranger: it is none of ours, and it survives in `extra`.
macro_rules! object {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $( required { $( $(#[$rdoc:meta])* $rkey:literal $rfield:ident: $rtype:ty, )* } )?
            $( optional { $( $(#[$odoc:meta])* $okey:literal $ofield:ident: $otype:ty, )* } )?
            $( trailing required { $( $(#[$tdoc:meta])* $tkey:literal $tfield:ident: $ttype:ty, )* } )?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($( $(#[$rdoc])* pub $rfield: $rtype, )*)?
            $($( $(#[$odoc])* pub $ofield: Option<$otype>, )*)?
            $($( $(#[$tdoc])* pub $tfield: $ttype, )*)?
            /// Keys this version does not know; written after all others.
            pub extra: $crate::Extra,
        }

        impl $name {
            /// Writes the keys into a map that may hold more.
            pub(crate) fn serialize_keys<M: serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $($( map.serialize_entry($rkey, &self.$rfield)?; )*)?
                $($(
                    if let Some(value) = &self.$ofield {
                        map.serialize_entry($okey, value)?;
                    }
                )*)?
                $($( map.serialize_entry($tkey, &self.$tfield)?; )*)?
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
                Ok(())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                self.serialize_keys(&mut map)?;
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct ObjectVisitor;

                impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an object (", stringify!($name), ")"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        $($( let mut $rfield: Option<$rtype> = None; )*)?
                        $($( let mut $ofield: Option<$otype> = None; )*)?
                        $($( let mut $tfield: Option<$ttype> = None; )*)?
                        let mut extra = $crate::Extra::new();
                        while let Some($crate::object::Key(key)) = map.next_key()? {
                            match key.as_ref() {
                                $($( $rkey => $rfield = Some(map.next_value()?), )*)?
                                $($(
                                    $okey => {
                                        $ofield = map.next_value()?;
                                        if $ofield.is_none() {
                                            let null = serde_json::Value::Null;
                                            extra.insert(key.into_owned(), null);
                                        }
                                    }
                                )*)?
                                $($( $tkey => $tfield = Some(map.next_value()?), )*)?
                                _ => {
                                    extra.insert(key.into_owned(), map.next_value()?);
                                }
                            }
                        }
                        Ok($name {
                            $($(
                                $rfield: $rfield
                                    .ok_or_else(|| serde::de::Error::missing_field($rkey))?,
                            )*)?
                            $($( $ofield, )*)?
                            $($(
                                $tfield: $tfield
                                    .ok_or_else(|| serde::de::Error::missing_field($tkey))?,
                            )*)?
                            extra,
                        })
                    }
                }

                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

pub(crate) use object;
