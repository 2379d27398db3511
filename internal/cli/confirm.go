package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
)

var errNotConfirmed = errors.New("not confirmed: nothing was changed")

// confirm says what is about to be done and asks; without a terminal it wants --yes.
func (o *options) confirm(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if o.yes {
		if !o.json {
			fmt.Fprintln(o.out, what)
		}
		return nil
	}
	if !o.terminal() {
		return &usageError{fmt.Errorf("about to: %s; add --yes to do it", what)}
	}
	fmt.Fprintf(o.out, "%s\nGo on? Only \"yes\" is taken: ", what)
	answer, err := bufio.NewReader(o.in).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return errNotConfirmed
	}
	return nil
}

func (o *options) terminal() bool {
	file, ok := o.in.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
