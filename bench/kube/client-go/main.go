// The same as ../informer.cc, with client-go: the figures to be compared with. A last argument
// "protobuf" asks for what only Kubernetes' own kinds are served as; client-go's default is JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const workers = 4

// A line of /proc/self/status, in MB.
func memory(field string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if words := strings.Fields(line); len(words) == 3 && words[0] == field+":" {
			kilobytes, _ := strconv.ParseFloat(words[1], 64)
			return kilobytes / 1024
		}
	}
	return 0
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func ownerUIDs(object any) ([]string, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil, err
	}
	var uids []string
	for _, owner := range accessor.GetOwnerReferences() {
		uids = append(uids, string(owner.UID))
	}
	return uids, nil
}

func stripManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}

func queueEventsPerSecond(events int) float64 {
	names := make([]string, events)
	for i := range names {
		names[i] = fmt.Sprintf("default/object-%d", i)
	}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	var running sync.WaitGroup
	start := time.Now()
	for range workers {
		running.Add(1)
		go func() {
			defer running.Done()
			for {
				key, shutdown := queue.Get()
				if shutdown {
					return
				}
				queue.Forget(key)
				queue.Done(key)
			}
		}()
	}
	for _, name := range names {
		queue.Add(name)
	}
	queue.ShutDownWithDrain()
	running.Wait()
	return float64(events) / time.Since(start).Seconds()
}

func main() {
	if len(os.Args) < 5 {
		os.Exit(2)
	}
	pods, _ := strconv.Atoi(os.Args[3])
	events, _ := strconv.Atoi(os.Args[4])
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) > 5 && os.Args[5] == "protobuf" {
		config.ContentType = "application/vnd.kubernetes.protobuf"
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	start := time.Now()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithNamespace(os.Args[2]), informers.WithTransform(stripManagedFields))
	informer := factory.Core().V1().Pods().Informer()
	if err := informer.AddIndexers(cache.Indexers{"owner": ownerUIDs}); err != nil {
		log.Fatal(err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) || len(informer.GetStore().ListKeys()) != pods {
		log.Fatalf("the informer has %d of %d pods", len(informer.GetStore().ListKeys()), pods)
	}
	result := map[string]float64{
		"startup_seconds":     time.Since(start).Seconds(),
		"startup_cpu_seconds": cpuSeconds(),
		"memory_mb":           memory("VmRSS"),
		"peak_memory_mb":      memory("VmHWM"),
	}
	result["queue_events_per_second"] = queueEventsPerSecond(events)
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
}
