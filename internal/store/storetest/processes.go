package storetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

const (
	processes = 8
	writers   = 50
	// wins is how many numbers each writer creates.
	wins = 4
	// patience bounds the whole race; a disk that syncs slowly needs some of it.
	patience = 3 * time.Minute
	// environmentTask holds a task as JSON in the processes that Run starts.
	environmentTask = "DEPLOY_STORETEST_TASK"
)

// task is what one process of the race does.
type task struct {
	Recipe  string `json:"recipe"`
	Folder  string `json:"folder"`
	Writers []int  `json:"writers"`
}

// win is a number that a writer created.
type win struct {
	Writer int `json:"writer"`
	Number int `json:"number"`
}

func (w win) content() []byte {
	return fmt.Appendf(nil, "writer %d wrote number %d", w.Writer, w.Number)
}
func (t task) key(n int) string { return fmt.Sprintf("%s/%08d.json", t.Folder, n) }

// Main runs the package's tests and returns the exit code. In a process that Run started it writes instead, to the
// store that reopen opens by Options.Recipe.
func Main(m *testing.M, reopen func(recipe string) (store.Store, error)) int {
	encoded, started := os.LookupEnv(environmentTask)
	if !started {
		return m.Run()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := write(ctx, encoded, reopen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// write opens the store, says so by a line, waits for its input to end, lets its writers loose, and prints what they won.
func write(ctx context.Context, encoded string, reopen func(string) (store.Store, error)) error {
	var t task
	if err := json.Unmarshal([]byte(encoded), &t); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	s, err := reopen(t.Recipe)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return fmt.Errorf("wait for the start: %w", err)
	}
	var all sync.WaitGroup
	won, failed := make([][]win, len(t.Writers)), make([]error, len(t.Writers))
	for i, writer := range t.Writers {
		all.Go(func() { won[i], failed[i] = t.append(ctx, s, writer) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(won)
}

// append creates the next free number, as owners of a ledger do, until the writer has won often enough.
func (t task) append(ctx context.Context, s store.Store, writer int) ([]win, error) {
	var won []win
	for number := 1; len(won) < wins; number++ {
		w := win{writer, number}
		err := s.Create(ctx, t.key(number), w.content())
		switch {
		case err == nil:
			won = append(won, w)
		case !errors.Is(err, store.ErrExists):
			return won, fmt.Errorf("writer %d at number %d: %w", writer, number, err)
		}
	}
	return won, nil
}

// oneWinnerANumber lets writers in several processes append to one sequence.
func oneWinnerANumber(t *testing.T, open func() store.Store, folder string, o Options) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	race := task{Recipe: o.Recipe, Folder: folder}
	winners := map[int]int{}
	for _, w := range race.run(ctx, t) {
		if other, twice := winners[w.Number]; twice {
			t.Errorf("number %d was created by writers %d and %d", w.Number, other, w.Writer)
		}
		winners[w.Number] = w.Writer
	}
	s := open()
	keys := make([]string, writers*wins)
	for i := range keys {
		number := i + 1
		keys[i] = race.key(number)
		writer, created := winners[number]
		if !created {
			t.Errorf("number %d is a gap", number)
			continue
		}
		expect(t, s, keys[i], win{writer, number}.content())
	}
	list(t, s, folder+"/", keys...)
}

// run starts the processes, lets them go together when all are ready, and returns what they say they won.
func (t task) run(ctx context.Context, test *testing.T) []win {
	program, err := os.Executable()
	must(test, err)
	var (
		starts   []io.Closer
		finishes []func() []win
	)
	for p := range processes {
		mine := t
		for w := p; w < writers; w += processes {
			mine.Writers = append(mine.Writers, w)
		}
		encoded, err := json.Marshal(mine)
		must(test, err)
		process := exec.CommandContext(ctx, program) // #nosec G204 -- this very program.
		process.Env = append(os.Environ(), environmentTask+"="+string(encoded))
		process.WaitDelay = 10 * time.Second
		var complaints bytes.Buffer
		process.Stderr = &complaints
		input, err := process.StdinPipe()
		must(test, err)
		output, err := process.StdoutPipe()
		must(test, err)
		must(test, process.Start())
		// A process whose input ends goes on to its end by itself, so none is left behind when this test fails before it.
		test.Cleanup(func() { _ = input.Close(); _ = process.Wait() })
		lines := bufio.NewReader(output)
		if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
			test.Fatalf("process %d said %q, %v: %s", p, line, err, &complaints)
		}
		starts = append(starts, input)
		finishes = append(finishes, func() []win {
			var won [][]win
			reading := json.NewDecoder(lines).Decode(&won)
			if err := process.Wait(); err != nil || reading != nil {
				test.Fatalf("process %d: %v, %v: %s", p, err, reading, &complaints)
			}
			var together []win
			for _, some := range won {
				together = append(together, some...)
			}
			return together
		})
	}
	for _, start := range starts {
		must(test, start.Close())
	}
	var won []win
	for _, finish := range finishes {
		won = append(won, finish()...)
	}
	return won
}
