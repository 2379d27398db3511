package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Reach implements delivery.Platform. Another user could not signal the instances; root could, and what it starts in their place
// would run as root.
func (h *Host) Reach(_ context.Context, p service.Placement) error {
	l, err := h.where(p)
	if err != nil {
		return fmt.Errorf("reach %s: %w", p.Release, err)
	}
	if kept, err := h.recordOf(p); err == nil && kept.User != nil && *kept.User == os.Geteuid() {
		return nil // Whatever the file system makes of it.
	}
	// The directory may have been given to another user since.
	info, err := os.Stat(l.owner())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // It was deleted here: nobody's instances are in it.
	}
	if err != nil {
		return fmt.Errorf("reach %s: %w", p.Release, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	name := nameOf(int(stat.Uid))
	return fmt.Errorf("reach %s: it was placed in %s by the user %s, and this runs as %s; run it as that user: sudo -u '%s' …", p.Release, l, name, nameOf(os.Geteuid()), sudo(name))
}

// sudo names a user as sudo takes it.
func sudo(name string) string {
	if _, err := strconv.Atoi(name); err == nil {
		return "#" + name
	}
	return name
}

// nameOf is a user's name, or its number where it has none here.
func nameOf(uid int) string {
	number := strconv.Itoa(uid)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}
