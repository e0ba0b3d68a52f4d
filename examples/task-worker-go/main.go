// A task worker against a bare NATS client, as docs/task-protocol.md describes it. It has the tasks of the task namespace
// `gopher`: `upper` and `sleep`.
//
//	KFLOW_NATS_URL=nats://127.0.0.1:4222 KFLOW_NAMESPACE=default go run .
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	taskNamespace = "gopher"
	slots         = 4
	maxInline     = 64 * 1024
	maxBegun      = 5
)

type task struct {
	V          int             `json:"v"`
	ID         string          `json:"id"`
	Token      string          `json:"token"`
	Execution  string          `json:"execution"`
	Task       string          `json:"task"`
	Parameters json.RawMessage `json:"parameters"`
	Input      json.RawMessage `json:"input"`
	Timeouts   struct {
		RunMs int64 `json:"runMs"`
	} `json:"timeouts"`
	WantsReceipt bool `json:"wantsReceipt"`
}

type taskError struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	IsTerminal bool   `json:"isTerminal,omitempty"`
}

func (e *taskError) Error() string { return e.Message }

// What a task gets, and returns: JSON. Its context ends when the step is canceled, or its run time is over.
type handler func(ctx context.Context, input, parameters json.RawMessage) (any, error)

var handlers = map[string]handler{
	"upper": func(_ context.Context, input, _ json.RawMessage) (any, error) {
		var in struct{ Text *string }
		if err := json.Unmarshal(input, &in); err != nil || in.Text == nil {
			return nil, &taskError{"no-text", "want an input with a text", true}
		}
		return map[string]string{"text": strings.ToUpper(*in.Text)}, nil
	},
	"sleep": func(ctx context.Context, input, parameters json.RawMessage) (any, error) {
		p := struct{ For float64 }{60}
		if err := json.Unmarshal(parameters, &p); err != nil {
			return nil, &taskError{"parameters", err.Error(), true}
		}
		select {
		case <-time.After(time.Duration(p.For * float64(time.Second))):
			return input, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	},
}

var (
	errCanceled = &taskError{"canceled", "the task was canceled", true}
	errTimeout  = &taskError{"run-timeout", "the task ran for longer than it may", false}
)

type worker struct {
	namespace string
	name      string
	nc        *nats.Conn
	js        jetstream.JetStream
	workers   jetstream.KeyValue
	recent    jetstream.KeyValue
	since     time.Time
	running   atomic.Int64
	asksTo    atomic.Uint64 // the last message of the stream when the connection was made
	mu        sync.Mutex
	cancels   map[string]context.CancelCauseFunc // by the id of the task
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	stop, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	options := []nats.Option{nats.MaxReconnects(-1)}
	if folder := os.Getenv("KFLOW_NATS_CREDENTIALS"); folder != "" {
		options = append(options, nats.UserCredentials(filepath.Join(folder, "nats.creds")))
	}
	nc, err := nats.Connect(or(os.Getenv("KFLOW_NATS_URL"), nats.DefaultURL), options...)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	w := &worker{
		namespace: or(os.Getenv("KFLOW_NAMESPACE"), "default"),
		name:      fmt.Sprintf("go-%d", os.Getpid()),
		nc:        nc,
		js:        js,
		since:     time.Now(),
		cancels:   map[string]context.CancelCauseFunc{},
	}
	return w.work(stop)
}

// work takes tasks until it is stopped, then waits for those that run.
func (w *worker) work(stop context.Context) error {
	// a durable consumer that all workers of the task namespace share; the controller has made the stream
	consumer, err := w.js.CreateOrUpdateConsumer(stop, fmt.Sprintf("kflow_%s__tasks", w.namespace), jetstream.ConsumerConfig{
		Durable:       taskNamespace,
		FilterSubject: fmt.Sprintf("kflow.%s.task.%s.>", w.namespace, taskNamespace),
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       15 * time.Second,
		MaxDeliver:    -1,
		MaxAckPending: 25_000,
	})
	if err != nil {
		return err
	}
	if w.workers, err = w.js.KeyValue(stop, fmt.Sprintf("kflow_%s__workers", w.namespace)); err != nil {
		return err
	}
	if w.recent, err = w.js.KeyValue(stop, fmt.Sprintf("kflow_%s__recent", w.namespace)); err != nil {
		return err
	}
	if _, err = w.nc.Subscribe(fmt.Sprintf("kflow.%s.cancel.%s", w.namespace, taskNamespace), w.onCancel); err != nil {
		return err
	}
	w.nc.SetReconnectHandler(func(*nats.Conn) { w.noteStored(stop) })
	w.noteStored(stop)
	go w.announce(stop)
	log.Printf("worker %s takes tasks of %s", w.name, taskNamespace)
	free := make(chan struct{}, slots)
	var tasks sync.WaitGroup
	for {
		free <- struct{}{} // 1: no more tasks than it can run
		message, err := consumer.Next(jetstream.FetchContext(stop))
		if stop.Err() != nil {
			break
		}
		if err != nil {
			<-free
			if !errors.Is(err, nats.ErrTimeout) {
				time.Sleep(time.Second) // the server is away
			}
			continue
		}
		tasks.Add(1)
		go func() {
			defer func() { <-free; tasks.Done() }()
			w.handle(message)
		}()
	}
	tasks.Wait()
	return w.workers.Delete(context.Background(), w.key())
}

// noteStored has all tasks asked about that are stored by now; while that is not known, all tasks.
func (w *worker) noteStored(ctx context.Context) {
	w.asksTo.Store(math.MaxUint64)
	stream, err := w.js.Stream(ctx, fmt.Sprintf("kflow_%s__tasks", w.namespace))
	if err != nil {
		log.Printf("the stream of tasks was not read: %v", err)
		return
	}
	w.asksTo.Store(stream.CachedInfo().State.LastSeq)
}

func (w *worker) handle(message jetstream.Msg) {
	var t task
	if err := json.Unmarshal(message.Data(), &t); err != nil {
		log.Printf("not a task: %s", message.Subject())
		_ = message.Term()
		return
	}
	if t.V != 1 { // for a worker that knows this version
		_ = message.NakWithDelay(5 * time.Second)
		return
	}
	if _, isKnown := handlers[nameOf(&t)]; !isKnown && w.isElsewhere(nameOf(&t)) { // 3
		_ = message.NakWithDelay(time.Second)
		return
	}
	done := make(chan struct{})
	defer close(done)
	go renew(message, done) // 2
	metadata, err := message.Metadata()
	if err != nil {
		return
	}
	begun := 0
	if metadata.NumDelivered > 1 || metadata.Sequence.Stream <= w.asksTo.Load() { // 4
		var canceled bool
		if canceled, begun, err = w.begins(&t); err != nil {
			_ = message.NakWithDelay(5 * time.Second)
			return
		}
		if canceled {
			_ = message.Ack()
			return
		}
	}
	output, err := w.result(&t, begun)
	report := map[string]any{"kind": "succeeded", "output": output}
	if err != nil {
		report = map[string]any{"kind": "failed", "error": asTaskError(err)}
	}
	if err := w.report(&t, report); err != nil { // 6: the ack follows the result
		_ = message.NakWithDelay(time.Second)
		return
	}
	if err := message.DoubleAck(context.Background()); err != nil {
		log.Printf("%s: not acked: %v", t.ID, err)
	}
}

func nameOf(t *task) string { return strings.TrimPrefix(t.Task, taskNamespace+":") }

// result runs the task, with its values fetched and its output stored if they are large.
func (w *worker) result(t *task, begun int) (any, error) {
	run, isKnown := handlers[nameOf(t)]
	if !isKnown { // 3
		return nil, &taskError{"task-unknown", "no worker has the task " + t.Task, true}
	}
	if begun > maxBegun { // 4
		return nil, &taskError{"worker-lost", "several workers have begun the task, and none has ended it", true}
	}
	input, err := w.fetched(t.Input)
	if err != nil {
		return nil, err
	}
	parameters, err := w.fetched(t.Parameters)
	if err != nil {
		return nil, err
	}
	if t.WantsReceipt { // 5
		if err := w.report(t, map[string]any{"kind": "receipt"}); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if t.Timeouts.RunMs > 0 {
		timer := time.AfterFunc(time.Duration(t.Timeouts.RunMs)*time.Millisecond, func() { cancel(errTimeout) })
		defer timer.Stop()
	}
	w.began(t.ID, cancel)
	defer w.ended(t.ID)
	output, err := run(ctx, orEmpty(input), orEmpty(parameters))
	if err != nil {
		return nil, err
	}
	return w.stored(t.ID+"/output", output)
}

// report publishes a result, and returns when the stream has stored it.
func (w *worker) report(t *task, report map[string]any) error {
	report["v"], report["id"], report["token"] = 1, t.ID, t.Token
	report["at"], report["worker"] = time.Now().UTC().Format(time.RFC3339Nano), w.name
	body, err := json.Marshal(report)
	if err != nil {
		return err
	}
	subject := fmt.Sprintf("kflow.%s.result.%s", w.namespace, t.Execution)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = w.js.Publish(ctx, subject, body, jetstream.WithMsgID(fmt.Sprintf("%s/%s", t.ID, report["kind"])))
	return err
}

// begins asks a controller whether a task that was delivered before is still needed, and how often it was begun again.
func (w *worker) begins(t *task) (isCanceled bool, begun int, err error) {
	body, err := json.Marshal(map[string]any{"v": 1, "id": t.ID, "token": t.Token, "lease": "begins"})
	if err != nil {
		return false, 0, err
	}
	answer, err := w.nc.Request(fmt.Sprintf("kflow.%s.heartbeat", w.namespace), body, 2*time.Second)
	if err != nil {
		return false, 0, err
	}
	var said struct {
		IsCanceled bool `json:"isCanceled"`
		Begun      int  `json:"begun"`
	}
	err = json.Unmarshal(answer.Data, &said)
	return said.IsCanceled, said.Begun, err
}

func (w *worker) onCancel(message *nats.Msg) {
	var notice struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(message.Data, &notice) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if cancel, isHere := w.cancels[notice.ID]; isHere {
		cancel(errCanceled)
	}
}

func (w *worker) began(id string, cancel context.CancelCauseFunc) {
	w.running.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancels[id] = cancel
}

func (w *worker) ended(id string) {
	w.running.Add(-1)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.cancels, id)
}

func renew(message jetstream.Msg, done <-chan struct{}) {
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			_ = message.InProgress()
		case <-done:
			return
		}
	}
}

func asTaskError(err error) *taskError {
	var own *taskError
	if errors.As(err, &own) {
		return own
	}
	return &taskError{Code: "error", Message: err.Error()}
}

func orEmpty(value json.RawMessage) json.RawMessage {
	if len(value) == 0 || string(value) == "null" {
		return json.RawMessage("{}")
	}
	return value
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
