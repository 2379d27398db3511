package operator

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// recoverLimit bounds a recovery, the wait for a run that still shows itself included.
const recoverLimit = 2 * time.Minute

// Recover puts right what an interrupted apply left, without asking, and returns what the command said.
func (o Operator) Recover(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, recoverLimit)
	defer cancel()
	output, err := exec.CommandContext(ctx, o.Binary, "recover", "--yes", "--store", o.Store, o.Service).CombinedOutput() //nolint:gosec // our own
	said := strings.TrimSpace(string(output))
	if err != nil {
		return said, fmt.Errorf("recover %s: %w: %s", o.Service, err, said)
	}
	return said, nil
}
