# gnuplot double-descent-labels-noise-0.1.gnuplot   draws double-descent-labels-noise-0.1.svg and double-descent-labels-noise-0.1.png from double-descent-labels-noise-0.1.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead outside below maxrows 4
set title 'Hidden width at fixed FLOPs: simzrr, a simulated stand-in, labels with noise of deviation 0.1'
set logscale xy
set grid
set format xy '10^{%T}'
set xlabel 'parameters (arrows above: as many as the training set has values)'
set ylabel 'mean squared error'
set ytics nomirror
set y2tics
set y2range [0:*]
set y2label 'GFLOP of a 12 MP photo'
set arrow from 3072,graph 1 to 3072,graph 0.96 lc 1
set arrow from graph 0,first 0.09892665 to graph 1,first 0.09892665 nohead lc 1 dt 3
set arrow from 49152,graph 1 to 49152,graph 0.96 lc 2
set arrow from graph 0,first 0.03774781666666667 to graph 1,first 0.03774781666666667 nohead lc 2 dt 3
set arrow from 786432,graph 1 to 786432,graph 0.96 lc 3
set arrow from graph 0,first 0.01756375 to graph 1,first 0.01756375 nohead lc 3 dt 3
plot 'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==4 && column('hidden')>0 ? column('test_mse') : NaN):(column('test_mse')-column('test_interval')>0 ? column('test_mse')-column('test_interval') : column('test_mse')/10):(column('test_mse')+column('test_interval')) with yerrorlines lc 1 lw 2 pt 7 ps 0.5 title '4 windows, test', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==4 && column('hidden')>0 ? column('train_mse') : NaN) with linespoints lc 1 dt 2 pt 6 ps 0.5 title 'train', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==4 && column('hidden')==0 ? column('test_mse') : NaN) with points lc 1 pt 5 ps 1.4 title 'plain, test', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==64 && column('hidden')>0 ? column('test_mse') : NaN):(column('test_mse')-column('test_interval')>0 ? column('test_mse')-column('test_interval') : column('test_mse')/10):(column('test_mse')+column('test_interval')) with yerrorlines lc 2 lw 2 pt 7 ps 0.5 title '64 windows, test', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==64 && column('hidden')>0 ? column('train_mse') : NaN) with linespoints lc 2 dt 2 pt 6 ps 0.5 title 'train', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==64 && column('hidden')==0 ? column('test_mse') : NaN) with points lc 2 pt 5 ps 1.4 title 'plain, test', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==1024 && column('hidden')>0 ? column('test_mse') : NaN):(column('test_mse')-column('test_interval')>0 ? column('test_mse')-column('test_interval') : column('test_mse')/10):(column('test_mse')+column('test_interval')) with yerrorlines lc 3 lw 2 pt 7 ps 0.5 title '1024 windows, test', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==1024 && column('hidden')>0 ? column('train_mse') : NaN) with linespoints lc 3 dt 2 pt 6 ps 0.5 title 'train', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('windows')==1024 && column('hidden')==0 ? column('test_mse') : NaN) with points lc 3 pt 5 ps 1.4 title 'plain, test', \
  'double-descent-labels-noise-0.1.csv' using 'parameters':(column('flops_total_12mp')/1e9) axes x1y2 with points lc 'black' pt 2 ps 0.6 title 'GFLOP at 12 MP (right)'
set terminal svg size 900,600 dynamic background 'white'
set output 'double-descent-labels-noise-0.1.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'double-descent-labels-noise-0.1.png'
replot
