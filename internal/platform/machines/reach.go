package machines

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/account"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Reach implements delivery.Platform. Whoever can log in to hosts may work on what is there. Of this machine's it is as with processes.
func (m *Machines) Reach(ctx context.Context, p service.Placement) error {
	kept, err := m.recordOf(p)
	if err != nil {
		return fmt.Errorf("reach %s: %w", p.Release, err)
	}
	if len(kept.Hosts) > 0 || kept.Machine == nil || m.local == nil {
		return nil
	}
	out, err := m.local.Run(ctx, "stat -c %u "+shellword.Quote(kept.Directory+"/service")+" 2>/dev/null; exit 0", nil)
	if err != nil {
		return fmt.Errorf("reach %s: %w", p.Release, err)
	}
	owner, err := strconv.Atoi(strings.TrimSpace(string(out)))
	there := err == nil
	take := fmt.Sprintf("mkdir -p %s && echo %s >%s", shellword.Quote(kept.Directory), p.Release.Service(), shellword.Quote(kept.Directory+"/service"))
	if this := m.options.This; !there && kept.Machine.ID != this.ID {
		return &delivery.OutOfReach{
			Elsewhere: true,
			Why:       fmt.Sprintf("it was placed in %s on the machine %s, and this is %s, which has no such directory", kept.Directory, kept.Machine.Name, this.Name),
			Next:      "Run this on the machine where it runs. Or, where this one has taken its place, say so first:\n  " + take,
		}
	}
	if !there {
		if kept.User == nil {
			return nil
		}
		owner = *kept.User
	}
	if self := os.Geteuid(); owner != self {
		return &delivery.OutOfReach{
			Why: fmt.Sprintf("it was placed in %s by the user %s, and this runs as %s", kept.Directory, account.User(owner), account.User(self)),
			Next: fmt.Sprintf("Run this as that user (%s …). Or, once nothing of it runs any more, give the directory to %s:\n  chown -R %[2]s %s",
				account.Sudo(owner), account.User(self), shellword.Quote(kept.Directory)),
		}
	}
	return nil
}
