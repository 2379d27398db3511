// Command caddy is the stock Caddy server, built from its Go module, so that the demo and the tests have a real router
// where none is installed. It has the standard modules and nothing else.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() {
	caddycmd.Main()
}
