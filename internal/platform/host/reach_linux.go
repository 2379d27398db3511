package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/account"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Reach implements delivery.Platform. Another user could not signal the instances; root could, and what it starts in their place
// would run as root.
func (h *Host) Reach(_ context.Context, p service.Placement) error {
	l, err := h.where(p)
	if err != nil {
		return fmt.Errorf("reach %s: %w", p.Release, err)
	}
	kept, err := h.recordOf(p)
	if err != nil {
		return fmt.Errorf("reach %s: %w", p.Release, err)
	}
	self := os.Geteuid()
	owner, missing, known := placedBy(l, kept)
	if !known || owner == self {
		return nil
	}
	next := fmt.Sprintf("Run this as that user (%s …). Or, once nothing of it runs any more, give the directory to %s:\n  chown -R %[2]s %s", account.Sudo(owner), account.User(self), shellword.Quote(string(l)))
	if missing {
		next = fmt.Sprintf("Run this as that user (%s …). Or, where %s has taken its place, say so first:\n  %s", account.Sudo(owner), account.User(self), h.takeOver(l))
	}
	return &delivery.OutOfReach{
		Why:  fmt.Sprintf("it was placed in %s by the user %s, and this runs as %s", l, account.User(owner), account.User(self)),
		Next: next,
	}
}

// overflowUser is who owns a file where the file system, or a namespace of users, does not tell.
const overflowUser = 65534

// placedBy is the user whose a directory is: the owner of what is in it, since it may have been given to another one, and where that
// cannot be told who placed there. known is false where neither is; missing tells that there is no such directory.
func placedBy(l layout, kept record) (uid int, missing, known bool) {
	info, err := os.Stat(l.owner())
	missing = errors.Is(err, fs.ErrNotExist)
	switch {
	case err == nil:
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != overflowUser {
			return int(stat.Uid), false, true
		}
	case !missing && !errors.Is(err, fs.ErrPermission):
		return 0, false, false // a disk that does not answer is nobody's
	}
	if kept.User == nil {
		return 0, missing, false
	}
	return *kept.User, missing, true
}
