package machines

import (
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// firstFreePort is the lowest that a program may listen on without a capability.
const firstFreePort = 1024

// harden takes from a unit what a server does not need.
func (u unit) harden(line func(name, value string)) {
	system := u.systemd.Scope == service.ScopeSystem
	low := system && u.port < firstFreePort
	if low {
		line("AmbientCapabilities", "CAP_NET_BIND_SERVICE")
	}
	if u.systemd.Unhardened {
		return
	}
	// What the user's own manager can do as well.
	line("NoNewPrivileges", "yes")
	line("RestrictSUIDSGID", "yes")
	line("RestrictRealtime", "yes")
	line("RestrictNamespaces", "yes")
	line("LockPersonality", "yes")
	line("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK")
	line("SystemCallArchitectures", "native")
	line("SystemCallFilter", "@system-service")
	line("SystemCallErrorNumber", "EPERM")
	line("UMask", "0027")
	if !system {
		return
	}
	bounds := ""
	if low {
		bounds = "CAP_NET_BIND_SERVICE"
	}
	line("CapabilityBoundingSet", bounds)
	line("ProtectSystem", "strict")
	// A service that lies in a home or a temporary directory must see itself.
	line("ProtectHome", choose(below(u.directory, "/home", "/root", "/run/user"), "read-only", "yes"))
	line("PrivateTmp", choose(below(u.directory, "/tmp", "/var/tmp"), "no", "yes"))
	for _, name := range []string{
		"PrivateDevices", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock", "ProtectHostname",
	} {
		line(name, "yes")
	}
	for _, path := range u.systemd.Writable {
		line("ReadWritePaths", unitWord(path))
	}
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func below(path string, directories ...string) bool {
	for _, d := range directories {
		if path == d || strings.HasPrefix(path, d+"/") {
			return true
		}
	}
	return false
}
