package platformtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Variables of the environment that tell Serve how to behave.
const (
	// VariableBehaviour is one of the behaviours below; empty: a good server.
	VariableBehaviour = "TEST_BEHAVIOUR"
	// VariableLines is how many lines to write when it starts, VariableMark what they begin with.
	VariableLines = "TEST_LINES"
	VariableMark  = "TEST_MARK"
)

// Behaviours of Serve.
const (
	// Deaf runs and never listens.
	Deaf = "deaf"
	// Crashing says so and exits with CrashCode, at once.
	Crashing = "crashing"
	// Stubborn serves and ignores SIGTERM.
	Stubborn = "stubborn"
	// Parent serves from a child that ignores SIGTERM, and ends without it.
	Parent = "parent"
)

// CrashCode is what a crashing instance exits with.
const CrashCode = 3

// Serve is an instance as the tests need it: a small HTTP server on PORT of DEPLOY_ADDRESS, or of 127.0.0.1, that says what it was started with. It returns
// the exit code. The tests' own program calls it when it is started as an instance.
//
//	/           the release        /environment?name=  a variable    /arguments  its command line
//	/moved      a redirect         /crash              exits with CrashCode
//	/broken     500 and a text     /log?line=          writes a line
func Serve() int {
	signal.Ignore(syscall.SIGHUP)
	lines, _ := strconv.Atoi(os.Getenv(VariableLines))
	out := &bytes.Buffer{}
	for n := range lines {
		fmt.Fprintf(out, "%s%06d\n", os.Getenv(VariableMark), n)
	}
	_, _ = os.Stdout.Write(out.Bytes())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	switch os.Getenv(VariableBehaviour) {
	case Crashing:
		fmt.Fprintln(os.Stderr, "it crashes")
		return CrashCode
	case Deaf:
		<-stop
		return 0
	case Stubborn:
		signal.Ignore(syscall.SIGTERM)
	case Parent:
		return parent(stop)
	}
	address := os.Getenv("DEPLOY_ADDRESS")
	if address == "" {
		address = "127.0.0.1"
	}
	server := &http.Server{Addr: net.JoinHostPort(address, os.Getenv("PORT")), Handler: handler(), ReadHeaderTimeout: time.Minute}
	go func() {
		<-stop
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("it was asked to stop")
	return 0
}

func parent(stop chan os.Signal) int {
	child := exec.CommandContext(context.Background(), os.Args[0], os.Args[1:]...) //nolint:gosec // itself
	child.Env = append(os.Environ(), VariableBehaviour+"="+Stubborn)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-stop
	return 0
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getenv("DEPLOY_RELEASE")) })
	mux.HandleFunc("/environment", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv(r.FormValue("name"))) })
	mux.HandleFunc("/arguments", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Args) })
	mux.HandleFunc("/log", func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.FormValue("line")) })
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { os.Exit(CrashCode) })
	mux.Handle("/moved", http.RedirectHandler("/", http.StatusFound))
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no database", http.StatusInternalServerError)
	})
	return mux
}
