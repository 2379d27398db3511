package caddy

import (
	"fmt"
	"strings"
)

// snippet is what belongs into a Caddyfile. The path goes through vars, since an expression takes no slash in a
// placeholder. Where a slot's addresses are not known, a remark stands in their place.
func snippet(file shareFile, addresses map[string][]string) string {
	value := "{file." + string(file) + "}"
	if strings.ContainsAny(value, " #") {
		value = `"` + value + `"`
	}
	to := func(slot string) string {
		if len(addresses[slot]) == 0 {
			return "<addresses of slot " + slot + ">"
		}
		return strings.Join(addresses[slot], " ")
	}
	return fmt.Sprintf("\tvars green %s\n\t@green expression `{http.request.uuid} < {http.vars.green}`\n"+
		"\treverse_proxy @green %s\n\treverse_proxy %s\n", value, to(green), to(blue))
}
