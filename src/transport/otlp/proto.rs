//! Generated from `proto/opentelemetry` (Apache-2.0, the OpenTelemetry authors) and `proto/logboek`, as they nest.

#[expect(clippy::allow_attributes, reason = "written by the generator")]
#[expect(clippy::enum_variant_names, reason = "names of the OpenTelemetry authors")]
pub(in crate::transport) mod opentelemetry {
    pub mod proto {
        pub mod common {
            pub mod v1 {
                include!("../gen/opentelemetry.proto.common.v1.rs");
            }
        }
        pub mod resource {
            pub mod v1 {
                include!("../gen/opentelemetry.proto.resource.v1.rs");
            }
        }
        pub mod trace {
            pub mod v1 {
                include!("../gen/opentelemetry.proto.trace.v1.rs");
            }
        }
        pub mod collector {
            pub mod trace {
                pub mod v1 {
                    include!("../gen/opentelemetry.proto.collector.trace.v1.rs");
                }
            }
        }
    }
}

/// The messages of 2024.
pub(super) mod logboek {
    include!("../gen/logboek.v1.rs");
}

pub(super) use opentelemetry::proto::collector::trace::v1 as collector;
pub(super) use opentelemetry::proto::common::v1 as shared;
pub(super) use opentelemetry::proto::resource::v1 as resource;
pub(super) use opentelemetry::proto::trace::v1 as trace;
