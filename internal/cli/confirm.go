package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
)

var errNotConfirmed = errors.New("not confirmed: nothing was changed")

// confirm says what is about to be done and asks; without a terminal it wants --yes. An interrupt is a no.
func (o *options) confirm(ctx context.Context, format string, args ...any) error {
	what := strings.TrimRight(fmt.Sprintf(format, args...), ".") + "."
	if o.yes {
		fmt.Fprintln(o.errs, what)
		return nil
	}
	if !o.terminal() {
		return fmt.Errorf("%w. What would be done: %s Without a terminal to ask at, add --yes to do it", errNotConfirmed, what)
	}
	fmt.Fprintf(o.errs, "%s\nGo on? Only \"yes\" is taken: ", what)
	answer := make(chan string, 1)
	go func() {
		// Nothing ends the reading of a terminal: where there is no answer the process ends over it.
		line, err := bufio.NewReader(o.in).ReadString('\n')
		if err != nil {
			line = ""
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(o.errs)
	case text := <-answer:
		if text == "yes" && ctx.Err() == nil {
			return nil
		}
	}
	return errNotConfirmed
}

func (o *options) terminal() bool {
	file, ok := o.in.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
