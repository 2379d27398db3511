package main

import "github.com/progressive-delivery/terraform-provider-deploy/internal/cli"

// operate runs a command of the person on call.
func operate(arguments []string) int { return cli.Main(version, arguments) }
