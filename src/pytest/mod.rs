//! Starting pytest, and the event schema of the plugin.
