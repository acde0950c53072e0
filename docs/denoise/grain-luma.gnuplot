# gnuplot grain-luma.gnuplot   draws grain-luma.svg and grain-luma.png from grain-luma.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead noenhanced top right
set grid
set title "correlation of luma's noise"
set xlabel 'pixels'
plot 'grain-luma.csv' using (strcol('set') eq 'data/polyu' && strcol('noise') eq 'real' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 1 title 'data/polyu', \
  'grain-luma.csv' using (strcol('set') eq 'sidd_small_256/train' && strcol('noise') eq 'real' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 1 title 'sidd_small_256/train', \
  'grain-luma.csv' using (strcol('set') eq 'photos_free/val' && strcol('noise') eq 'camera' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 2 title 'camera, simulated', \
  'grain-luma.csv' using (strcol('set') eq 'photos_free/val' && strcol('noise') eq 'phone' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 2 title 'phone, simulated'
set terminal svg size 900,600 dynamic background 'white'
set output 'grain-luma.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'grain-luma.png'
replot
