// Command terraform-provider-deploy is four programs in one file, so that what belongs together has one version: the
// Terraform provider, the commands for the person on call, the supervisor of a release's instance, and the watcher of a
// program that the provider runs.
package main

import (
	"os"
	_ "time/tzdata" // windows name zones, and a machine may know none

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit code.
func run(arguments []string) int {
	if code, asked := program.Watcher(arguments); asked {
		return code
	}
	if len(arguments) > 0 && arguments[0] == connect.SuperviseArgument {
		return host.Supervise(arguments[1:])
	}
	debug := len(arguments) == 1 && (arguments[0] == "-debug" || arguments[0] == "--debug")
	if debug || os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" {
		return serve(debug)
	}
	return operate(arguments)
}
