//! Commands that only have commands below them.

/// Makes the `Args` of a command that only has commands below it. Called alone it prints its help.
///
/// ```ignore
/// command_group! { "model" "type" => {
///     /// List model types
///     Search(search::Args),
/// } }
/// ```
macro_rules! command_group {
    ($($word:literal)+ => { $($(#[$meta:meta])* $name:ident($args:ty),)+ }) => {
        #[derive(Debug, clap::Args)]
        pub(crate) struct Args {
            #[command(subcommand)]
            command: Option<Subcommands>,
        }

        #[derive(Debug, clap::Subcommand)]
        enum Subcommands {
            $($(#[$meta])* $name($args),)+
        }

        impl Args {
            pub(crate) fn run(self, cx: &$crate::cx::Cx<'_>) -> $crate::ending::CommandResult {
                match self.command {
                    None => $crate::commands::help::print(cx, &[$($word),+]),
                    $(Some(Subcommands::$name(args)) => args.run(cx),)+
                }
            }
        }
    };
}

pub(crate) use command_group;
