package main

import (
	"github.com/progressive-delivery/terraform-provider-deploy/internal/cli"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider"
)

// operate runs a command of the person on call.
func operate(arguments []string) int { return cli.Main(version, provider.Remembered, arguments) }
