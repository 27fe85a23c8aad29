//! The same run as lines, as one JSON document and as a live tree.
