// Command analysis proves internal/analysis on traffic that is made up: how fast it restores bad releases, and how seldom healthy
// ones, beside the rules of Argo Rollouts and Flagger on the same traffic.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	only := flag.String("only", "", "a regular expression of the cases to run: of a part of them alone, calm rules are calm in that part")
	quick := flag.Bool("quick", false, "a sample: that it runs, not what it measures")
	flag.IntVar(&o.runs, "runs", 1000, "runs of a bad case")
	flag.IntVar(&o.most, "most", stages[len(stages)-1], "runs of a healthy case at most")
	flag.Uint64Var(&o.seed, "seed", 1, "what chance begins with: the same seed, the same results")
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.Parse()
	if *quick {
		o.runs, o.most = 2, 2
	}
	var err error
	if o.only, err = regexp.Compile(*only); err == nil {
		err = o.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-analysis:", err)
		os.Exit(1)
	}
}

type options struct {
	runs, most int
	seed       uint64
	only       *regexp.Regexp
	root       string
}

func (o *options) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Hour)
	defer cancel()
	if o.runs < 1 || o.most < 1 {
		return fmt.Errorf("%d runs of bad cases and %d of healthy ones: use at least 1 (-runs, -most)", o.runs, o.most)
	}
	var results []result.Result
	var healthy []*wellness
	printHealthyHead(os.Stdout)
	for i := range healthyCases {
		c := &healthyCases[i]
		if !o.only.MatchString(c.name) {
			continue
		}
		w, err := o.healthy(ctx, c)
		if err != nil {
			return err
		}
		w.print(os.Stdout)
		healthy, results = append(healthy, w), append(results, w.results()...)
	}
	fmt.Println()
	printCalm(os.Stdout, healthy)
	printBadHead(os.Stdout)
	for i := range badCases {
		c := &badCases[i]
		if !o.only.MatchString(c.name) {
			continue
		}
		s, err := o.bad(ctx, c)
		if err != nil {
			return err
		}
		s.print(os.Stdout, healthy)
		results = append(results, s.results(healthy)...)
	}
	fmt.Println()
	return errors.Join(
		result.Print(os.Stdout, results),
		result.Write(filepath.Join(o.root, "build", "bench", "analysis.json"), results))
}
