package transfer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pruneTime bounds Prune: what it leaves is removed by the next one.
const pruneTime = 2 * time.Minute

// Prune removes the files of older releases below the service's directory: it keeps those whose labels are needed, and of
// the others the ones installed last, so that keep remain in all; then artifacts that no release uses, and what killed
// runs left unfinished. What another run is working on at this moment stays. Only releases that Install made are looked
// at. What cannot be removed is an error, and keeps nothing else from being removed. guard is as in Request.
func Prune(ctx context.Context, m Machine, directory string, keep int, needed []string, guard string) error {
	directory, err := clean(directory)
	if err == nil {
		v := variables{guard: guard, values: map[string]string{
			"directory": directory, "keep": strconv.Itoa(keep), "needed": strings.Join(needed, " "),
		}}
		bounded, cancel := context.WithTimeoutCause(ctx, pruneTime, notDone(pruneTime))
		defer cancel()
		_, err = ask(bounded, m, v.script(commonScript, pruneScript), nil)
		err = givenUp(ctx, bounded, err)
	}
	if err != nil {
		return fmt.Errorf("remove older releases from %s of %s: %w", directory, m, err)
	}
	return nil
}
