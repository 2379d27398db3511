package delivery

import (
	"errors"
	"fmt"
	"strings"
)

// Error is what a stage returns for its users: everything that they need to decide what to do.
type Error struct {
	// Summary in title case names the outcome: "Release Rolled Back".
	Summary string
	// What failed, in a sentence, and the Evidence it rests on.
	What     string
	Evidence []string
	// Restored lists what was put back and verified, Leftovers what could not be, Running what runs now.
	Restored  []string
	Leftovers []string
	Running   string
	// Untouched: it was refused, and nothing was changed; or nothing but what Before says, which the run had done until then.
	Untouched bool
	Before    string
	// Next says what to do. Record is where the whole story is.
	Next   string
	Record string
	// Path of the attribute that the error belongs to, nil for the whole resource.
	Path []string
	// Err is the cause, if there is one.
	Err error
}

// Error gives summary and detail in one text.
func (e *Error) Error() string { return e.Summary + ": " + e.Detail() }

func (e *Error) Unwrap() error { return e.Err }

// Detail in the order: what failed on what evidence, what was restored, what runs, what to do, where the record is.
func (e *Error) Detail() string {
	var b strings.Builder
	b.WriteString(sentence(e.What + e.changed()))
	list(&b, "Evidence:", e.Evidence)
	list(&b, "Restored and verified:", e.Restored)
	list(&b, "NOT restored:", e.Leftovers)
	paragraph(&b, "Running now: ", e.Running)
	paragraph(&b, "Next: ", e.Next)
	paragraph(&b, "Record: ", e.Record)
	return b.String()
}

// changed says, behind what failed, what the run had changed until then.
func (e *Error) changed() string {
	switch {
	case e.Untouched && e.Before != "":
		return fmt.Sprintf(". Before that: %s. Nothing else was changed", e.Before)
	case e.Untouched:
		return ". Nothing was changed"
	case e.Before != "":
		return ". Before that: " + e.Before
	}
	return ""
}

func list(b *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n\n%s", title)
	for _, item := range items {
		fmt.Fprintf(b, "\n  - %s", strings.ReplaceAll(strings.TrimRight(item, "\n"), "\n", "\n    "))
	}
}

func paragraph(b *strings.Builder, title, text string) {
	if text != "" {
		fmt.Fprintf(b, "\n\n%s%s", title, text)
	}
}

func sentence(s string) string {
	s = strings.TrimSpace(s)
	// What stands on lines of its own is to be pasted, or is a list: a full stop would belong to it.
	if strings.Contains(s, "\n") {
		return s
	}
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, ":") {
		return s
	}
	return s + "."
}

// refuse makes the error of something that was not begun: nothing was changed.
func refuse(summary, what, next string) *Error {
	return &Error{Summary: summary, What: what, Untouched: true, Next: next}
}

// after is the error of what a run began when it had done something else: one that refuses it says so. done is empty where nothing was.
func after(done string, err error) error {
	refused := (*Error)(nil)
	if done == "" || !errors.As(err, &refused) || !refused.Untouched {
		return err
	}
	told := *refused
	told.Before = alsoSaying(done, told.Before)
	return &told
}
